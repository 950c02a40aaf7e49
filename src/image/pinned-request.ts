/** A request as the pin file has it: short where that says all, and plain JSON also where it has regular expressions. */
import { isRegExp } from 'node:util/types'
import type { Arch } from '../arch.js'
import { formatDigest } from '../digest.js'
import { type ImageRequest, type NamedRequest, parseRequest, type UrlRequest } from '../request/request.js'
import type { ImageSpec } from '../request/spec.js'

/** `'fedora:41'`, an address, or a record that says more. The architecture stands beside it. */
export type PinnedRequest = string | Readonly<Record<string, string>>

/** What {@link readPinned} makes the same request of. */
export function writePinned(request: NamedRequest | UrlRequest): PinnedRequest {
  const { checksum, minimumTrust } = request
  const main = request.kind === 'url' ? { url: request.url } : nameOf(request)
  const more = {
    ...(request.kind === 'url' ? { format: request.format } : detailsOf(request)),
    checksum: checksum && formatDigest(checksum),
    minimumTrust,
  }
  const said = Object.entries({ ...main, ...more }).filter((entry): entry is [string, string] =>
    Boolean(entry[1]),
  )
  const [[, only] = ['', '']] = said
  return said.length === 1 ? only : Object.fromEntries(said)
}

/** @throws VmImageError INVALID_REQUEST, UNKNOWN_SYSTEM when nobody has this name any more. */
export function readPinned(pinned: PinnedRequest, arch: Arch | undefined): ImageRequest {
  if (typeof pinned === 'string')
    return parseRequest(/^https?:/i.test(pinned) ? { url: pinned, arch } : { name: pinned, arch })
  // Its fields are those of a request; what is none, parseRequest() refuses by its name.
  const spec: ImageSpec = Object.fromEntries(
    Object.entries(pinned).map(([field, text]) => [
      field,
      field === 'version' || field === 'build' ? readPattern(text) : text,
    ]),
  )
  return parseRequest({ ...spec, arch })
}

function nameOf({ provider, version }: NamedRequest): { readonly name: string; readonly version?: string } {
  if (version.kind === 'latest') return { name: provider.name }
  if (version.kind === 'pattern') return { name: provider.name, version: version.text }
  return { name: `${provider.name}:${version.text}` }
}

function detailsOf({ variant, build }: NamedRequest) {
  return { variant, build: isRegExp(build) ? String(build) : build }
}

/** No version and no build begins with a slash. */
function readPattern(text: string): string | RegExp {
  const [, source, flags] = /^\/(.*)\/([a-z]*)$/s.exec(text) ?? []
  return source === undefined ? text : new RegExp(source, flags)
}
