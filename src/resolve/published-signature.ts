/** What a publisher signs of an image, and where the signature lies. */
import { VmImageError } from '../errors.js'
import type { Signature } from '../providers/definition.js'
import type { Provider } from '../providers/index.js'
import { fillTemplate } from '../providers/pattern.js'
import type { DetachedSignature } from '../signature/verify.js'
import { isInRange, parseVersionRange, versionOrder } from '../version.js'
import { fetchServedFile } from './served-file.js'
import type { Found, Search } from './site.js'
import { isAbsent, noteStep } from './trail.js'

/** What the publisher signs of this version; undefined: nothing. */
export function signatureFor({ version }: Pick<Found, 'version'>, provider: Provider): Signature | undefined {
  const compare = versionOrder(provider.versionOrder)
  return provider.signatures.find(
    ({ versions }) =>
      versions === undefined || isInRange(version, parseVersionRange(versions) ?? [], compare),
  )
}

/**
 * The detached signature that lies beside `signedUrl`.
 *
 * @throws VmImageError SIGNATURE_MISSING when it is not there, NETWORK when the server does not say.
 */
export async function findSignature(
  signature: Signature,
  {
    words,
    entry,
    site,
    checksums,
  }: Pick<Found, 'words' | 'entry' | 'site'> & { readonly checksums?: string | undefined },
  signedUrl: string,
  search: Search,
): Promise<DetachedSignature> {
  const name = fillTemplate(signature.file ?? '', { ...words, file: entry.name, checksums })
  const url = new URL(encodeURIComponent(name), signedUrl).href
  try {
    return await fetchServedFile(url, 2 ** 20, site, search)
  } catch (error) {
    if (!isAbsent(error)) throw error
    noteStep(search, { url, found: 'no signature' })
    throw new VmImageError(
      'SIGNATURE_MISSING',
      `Cannot trust "${new URL('.', signedUrl).href}": there is no "${name}", and this publisher signs.\n` +
        "Somebody may have taken it away. Ask for another build or mirror, or say what the image is: { checksum: 'sha256:<hex>' }.",
      { cause: error },
    )
  }
}
