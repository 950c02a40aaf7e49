/** The version of this package, for `--version` and the User-Agent. */
import { readFileSync } from 'node:fs'

/** As package.json says; the file is one directory up, in the sources and in dist/ alike. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version // of our own package.json
}
