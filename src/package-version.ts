/**
 * The version of this package, for `--version` and the User-Agent. Written down once more, because no one expression
 * finds package.json from ES modules and from CommonJS; a test holds the two together.
 */
export const packageVersion = '0.1.0'
