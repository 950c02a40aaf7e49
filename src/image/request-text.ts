/** Requests as people write them, for the cures in messages: in a shell and in code, to be copied as they are. */
import { type Arch, hostArch } from '../arch.js'
import { formatDigest } from '../digest.js'
import type { ImageRequest } from '../request/request.js'

/** `npx vmimage fetch --arch aarch64 'fedora:>=40 <43'`; an architecture is named when it is not this machine's. */
export function fetchCommand(request: ImageRequest, defaultArch: Arch, thisArch = hostArch()): string {
  return commandText(['fetch'], request, defaultArch, thisArch)
}

/** `npx vmimage pin fedora:41`; `flags` come before the options that say which image is meant. */
export function pinCommand(request: ImageRequest, defaultArch: Arch, flags: readonly string[] = []): string {
  return commandText(['pin', ...flags], request, defaultArch, hostArch())
}

function commandText(
  command: readonly string[],
  request: ImageRequest,
  defaultArch: Arch,
  thisArch: Arch,
): string {
  const arch = request.arch ?? defaultArch
  const options = [
    ['--arch', arch === thisArch ? undefined : arch],
    ['--checksum', request.checksum && formatDigest(request.checksum)],
    ['--minimum-trust', request.minimumTrust],
    ...(request.kind === 'named'
      ? [
          ['--variant', request.variant],
          ['--build', request.build?.toString()],
        ]
      : []),
  ].filter(([, value]) => value !== undefined)
  return ['npx', 'vmimage', ...command, ...options.flat(), nameOf(request)]
    .map((word) => quoted(word ?? ''))
    .join(' ')
}

function nameOf(request: ImageRequest): string {
  if (request.kind !== 'named') return request.kind === 'url' ? request.url : request.path
  const { provider, version } = request
  return version.kind === 'latest' ? provider.name : `${provider.name}:${version.text}`
}

/** The request as it is written in code: `'fedora:41'`, or a record when it says more. */
export function inputText(request: ImageRequest): string {
  const name = codeText(nameOf(request))
  const more = {
    ...(request.kind === 'named' ? { variant: request.variant, build: request.build?.toString() } : {}),
    arch: request.arch,
    checksum: request.checksum && formatDigest(request.checksum),
    minimumTrust: request.minimumTrust,
  }
  const fields = Object.entries(more).flatMap(([field, value]) =>
    value === undefined ? [] : `${field}: ${codeText(value)}`,
  )
  const place = request.kind === 'named' ? 'name' : request.kind === 'url' ? 'url' : 'path'
  return fields.length === 0 ? name : `{ ${[`${place}: ${name}`, ...fields].join(', ')} }`
}

function codeText(text: string): string {
  return text.includes("'") ? JSON.stringify(text) : `'${text}'`
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w:./@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
