/** The command that puts an image into the cache, for messages: to be copied into a shell as it is. */
import { type Arch, hostArch } from '../arch.js'
import { formatDigest } from '../digest.js'
import type { ImageRequest } from '../request/request.js'

/** `npx vmimage fetch --arch aarch64 'fedora:>=40 <43'`; an architecture is named when it is not this machine's. */
export function fetchCommand(request: ImageRequest, defaultArch: Arch, thisArch = hostArch()): string {
  const arch = request.arch ?? defaultArch
  const options = [
    ['--arch', arch === thisArch ? undefined : arch],
    ['--checksum', request.checksum && formatDigest(request.checksum)],
    ...(request.kind === 'named'
      ? [
          ['--variant', request.variant],
          ['--build', request.build?.toString()],
        ]
      : []),
  ].filter(([, value]) => value !== undefined)
  return ['npx', 'vmimage', 'fetch', ...options.flat(), nameOf(request)]
    .map((word) => quoted(word ?? ''))
    .join(' ')
}

function nameOf(request: ImageRequest): string {
  if (request.kind !== 'named') return request.kind === 'url' ? request.url : request.path
  const { provider, version } = request
  return version.kind === 'latest' ? provider.name : `${provider.name}:${version.text}`
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w:./@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
