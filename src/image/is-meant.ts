/** Which images of a cache a name means, as people write it on the command line: by what is written beside them. */
import { pathToFileURL } from 'node:url'
import { isRegExp } from 'node:util/types'
import type { ImageFacts } from '../image-facts.js'
import type { ImageRequest } from '../request/request.js'
import { matchesWhole, selectVersions } from '../request/version-query.js'

/** `fedora` means every Fedora that is there, `fedora:44` those of that version, a URL or a path what came from it. */
export function isMeant(request: ImageRequest, facts: ImageFacts): boolean {
  if (request.kind === 'url') return facts.url === request.url
  if (request.kind === 'file') return facts.url === pathToFileURL(request.path).href
  const { provider, version, build, variant, arch } = request
  return (
    facts.name === provider.displayName &&
    selectVersions(version, [facts.version], provider).length > 0 &&
    (build === undefined ||
      (isRegExp(build) ? matchesWhole(build, facts.build ?? '') : build === facts.build)) &&
    (variant === undefined || variant === facts.variant) &&
    (arch === undefined || arch === facts.arch)
  )
}
