/** Trust: on what ground an image is believed, and how much of it a caller wants. */
import { VmImageError } from './errors.js'

/**
 * From the least to the most: nothing but md5, or nothing at all; the publisher's checksum file over https; that file or
 * the image signed with a key that is pinned in the provider; a digest that the caller gave, or that the package knows.
 */
const levels = ['unverified', 'checksum', 'signed', 'pinned'] as const

export type Trust = (typeof levels)[number]

export function isTrust(value: unknown): value is Trust {
  return levels.some((level) => level === value)
}

/** Whether an image is trusted as much as is asked for, or more. */
export function isEnough(trust: Trust, minimum: Trust): boolean {
  return levels.indexOf(trust) >= levels.indexOf(minimum)
}

interface Bar {
  /** Undefined, in a request: nothing beyond what the context asks for. */
  readonly minimumTrust: Trust | undefined
}

/**
 * Whether an image passes the bar of its request, or else of the context. A file of the user's own is the user's word
 * itself, and passes unless that same word asks for more.
 */
export function isTrusted(
  asked: Bar,
  { trust, url }: { readonly trust: Trust; readonly url: string },
  context: { readonly minimumTrust: Trust },
): boolean {
  if (url.startsWith('file:') && asked.minimumTrust === undefined) return true
  return isEnough(trust, asked.minimumTrust ?? context.minimumTrust)
}

/** The names of all levels, for messages. Written out: the first use of Intl.ListFormat takes 15 ms in each worker. */
export const trustNames = 'unverified, checksum, signed or pinned'

/**
 * @param what the image, as people know it.
 * @throws VmImageError UNTRUSTED when it is trusted less than `minimum`.
 */
export function requireTrust(what: string, trust: Trust, minimum: Trust): void {
  if (isEnough(trust, minimum)) return
  throw new VmImageError(
    'UNTRUSTED',
    `Cannot use "${what}": its trust is "${trust}" (${grounds[trust]}), and "${minimum}" or more is asked for.\n` +
      `Say what the file is, { checksum: 'sha256:<hex>' }, or take it as it is, { minimumTrust: '${trust}' }; ` +
      `for all images that is VMIMAGE_MINIMUM_TRUST=${trust}, on the command line --checksum and --minimum-trust ${trust}.`,
  )
}

const grounds: Readonly<Record<Trust, string>> = {
  unverified: 'no checksum, or one by md5 or from a server without https',
  checksum: "its publisher's checksum file over https, without a signature",
  signed: 'an OpenPGP signature of its publisher',
  pinned: 'a digest of yours',
}
