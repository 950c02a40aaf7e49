/** Which images of a cache a name means, as people write it on the command line: by what is written beside them. */
import { pathToFileURL } from 'node:url'
import { isRegExp } from 'node:util/types'
import type { ImageFacts } from '../image-facts.js'
import { imageProviders } from '../providers/index.js'
import type { ImageRequest } from '../request/request.js'
import { matchesWhole, selectVersions } from '../request/version-query.js'
import type { StoredImage } from '../store/store.js'

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

/**
 * The same for whoever removes images: by a digest or the beginning of a key too, and by the name that an image was published
 * under, whose provider need not be known any more.
 */
export function isCalled(asked: string, { key, meta }: StoredImage): boolean {
  const hex = asked.toLowerCase().replace(/^[a-z\d]+[:-](?=[\da-f]{6,}$)/, '')
  if (/^[\da-f]{6,}$/.test(hex) && key.slice(key.indexOf('-') + 1).startsWith(hex)) return true
  const [, name = '', version = ''] = /^([^:]*):?(.*)$/.exec(asked) ?? []
  const isNamed = plain(name) === plain(meta.name) || titlesOf(name).includes(meta.name)
  // `debian:13`, and `cirros:0.6` for 0.6.3: up to a dot, as where images are asked for.
  return isNamed && (version === '' || meta.version === version || meta.version.startsWith(`${version}.`))
}

/** Of the provider that has this name or alias. */
function titlesOf(name: string): readonly string[] {
  const wanted = name.toLowerCase()
  return imageProviders
    .list()
    .filter((provider) => provider.name === wanted || provider.aliases.includes(wanted))
    .map(({ displayName }) => displayName)
}

/** `Amazon Linux` and `amazonlinux` are the same to people. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
}
