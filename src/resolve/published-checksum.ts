/** What a publisher says of its image: the checksum file, believed as far as its signature is. */
import { formatDigest, isWeak } from '../digest.js'
import { VmImageError } from '../errors.js'
import type { Signature } from '../providers/definition.js'
import type { Provider } from '../providers/index.js'
import { fillTemplate, wordsOf } from '../providers/pattern.js'
import type { Verified } from '../signature/judge.js'
import type { KeyCache } from '../signature/key-cache.js'
import { verifyClearSigned, verifyDetached } from '../signature/verify.js'
import { isEnough } from '../trust.js'
import { type Checksum, readChecksum } from '../pages/checksums.js'
import type { Page } from '../pages/listing.js'
import { decodeName } from '../pages/listed-name.js'
import { findSignature, signatureFor } from './published-signature.js'
import { fetchServedFile, type ServedFile } from './served-file.js'
import { fill, type Found, type Search } from './site.js'
import { isAbsent, noteStep } from './trail.js'

/** The largest that were seen have some 100 KiB. */
const maxBytes = 2 ** 22

export interface PublishedChecksum extends Checksum {
  /** Where it was read. */
  readonly url: string
  /** Who vouches for it, and since when; undefined when it is not signed. */
  readonly signed: Verified | undefined
}

/**
 * Reads the provider's checksum files in order of preference until one names the image. Undefined when there is no such
 * file, or the caller vouches for an image that none names.
 *
 * @throws VmImageError CHECKSUM_MISSING when none names it; CHECKSUM_CONFLICT; NETWORK when a file that is listed is not to be had; SIGNATURE_MISSING, SIGNATURE_INVALID, SIGNATURE_UNKNOWN, SIGNATURE_EXPIRED, KEY_MISSING.
 */
export async function findChecksum(
  found: Found,
  search: Search,
  keyCache: KeyCache,
): Promise<PublishedChecksum | undefined> {
  const { entry } = found
  const { checksum: asked } = search.request
  if (entry.digest) {
    return {
      digest: entry.digest,
      sizeBytes: entry.sizeBytes,
      url: entry.digestUrl ?? found.listedAt,
      signed: undefined,
    }
  }
  // Who says what the file is needs nobody else's signature.
  const isVouchedFor = asked !== undefined && !isWeak(asked.algorithm)
  const signature = isVouchedFor ? undefined : signatureFor(found, search.request.provider)
  let missing: VmImageError | undefined
  for (const url of checksumUrls(found, search.request.provider.checksumFiles)) {
    try {
      const file = await fetchServedFile(url, maxBytes, found.site, search)
      const { page, signed } = await verified(file, found, signature, search, keyCache)
      const checksum = readChecksum(page, entry.name)
      noteStep(search, { url: page.url, found: `names ${entry.name}: ${said(checksum, signed)}` })
      return { ...checksum, url: page.url, signed }
    } catch (error) {
      if (!(error instanceof VmImageError) || !(error.code === 'CHECKSUM_MISSING' || isAbsent(error)))
        throw error
      noteStep(search, { url, found: error.message.split('\n', 1)[0] ?? '' })
      missing ??= error
    }
  }
  if (missing && !asked) throw isAbsent(missing) ? notThere(found, missing) : missing
  return undefined
}

/** The part of a checksum file that may be believed: of a signed one, what was signed. */
async function verified(
  file: ServedFile,
  found: Found,
  signature: Signature | undefined,
  search: Search,
  keyCache: KeyCache,
): Promise<{ readonly page: Page; readonly signed: Verified | undefined }> {
  const page = { body: file.bytes.toString('utf8'), url: file.url }
  if (signature === undefined || signature.form === 'image') return { page, signed: undefined }
  const evidence = { context: search.context, keyCache }
  try {
    if (signature.form === 'clear-signed') {
      const { payload, ...signed } = await verifyClearSigned(page, signature, evidence)
      return { page: { body: payload, url: page.url }, signed }
    }
    // By the name that it was asked for: what a redirect leads to may have any.
    const checksums = decodeName(new URL(file.askedUrl).pathname.split('/').at(-1) ?? '') ?? ''
    const detached = await findSignature(signature, { ...found, checksums }, file.askedUrl, search)
    const content = { name: checksums, bytes: file.bytes }
    return { page, signed: await verifyDetached(content, detached, signature, evidence) }
  } catch (error) {
    const excuse = excuseFor(error, signature, search)
    if (excuse === undefined) throw error
    search.context.report({ type: 'warning', message: `${found.entry.name}: ${excuse}` })
    return { page, signed: undefined }
  }
}

/**
 * Why an unsigned checksum file is good enough here, if it is: the publisher is known to leave signatures or old keys out,
 * or uses a kind that needs a program that is not installed. Never because a signature is wrong.
 */
function excuseFor(error: unknown, signature: Signature, search: Search): string | undefined {
  if (!(error instanceof VmImageError)) return undefined
  const { mayLack, isVersion3 = false } = signature
  if (error.code === 'SIGNATURE_MISSING' && mayLack === 'signature') return 'its checksum file is not signed.'
  const { minimumTrust = search.context.minimumTrust } = search.request
  const isWithoutProgram = error.code === 'TOOL_MISSING' && isVersion3 && isEnough('checksum', minimumTrust)
  if (!isWithoutProgram && !(error.code === 'KEY_MISSING' && mayLack !== undefined)) return undefined
  return `its signature was not checked. ${error.message.replaceAll('\n', ' ')}`
}

/** Those that lie beside the image, and those elsewhere. A name with a word that is not known here is left out. */
function checksumUrls({ siblings, words, entry }: Found, templates: readonly string[]): readonly string[] {
  const known: Readonly<Record<string, string | undefined>> = { ...words, file: entry.name }
  const urls = new Map(siblings.map(({ name, url }) => [name, url]))
  return templates
    .filter((template) => wordsOf(template).every((word) => known[word] !== undefined))
    .flatMap((template) => {
      if (template.startsWith('https://')) return fill(template, known)
      return urls.get(fillTemplate(template, known)) ?? []
    })
}

function said({ digest }: Checksum, signed: Verified | undefined): string {
  const by = signed && `, signed by ${signed.fingerprint} on ${signed.signedAt.toISOString().slice(0, 10)}`
  return `${formatDigest(digest)}${by ?? ''}`
}

/** The error when a checksum file is listed, and the server says that there is none. */
function notThere({ entry }: Found, cause: VmImageError): VmImageError {
  return new VmImageError(
    'CHECKSUM_MISSING',
    `Cannot verify "${entry.name}": its checksum file is listed and not there. ${cause.message.split('\n', 1)[0]}\n` +
      "The publisher may be uploading a new build: try again in an hour, ask for another build, or give { checksum: 'sha256:<hex>' }.",
    { cause },
  )
}

/** The error when nobody at all vouches for the image. */
export function noChecksum({ entry }: Found, { checksumFiles }: Provider): VmImageError {
  const directory = new URL('.', entry.url).href
  return new VmImageError(
    'CHECKSUM_MISSING',
    `Cannot verify "${entry.name}": "${directory}" lists no checksum file (${checksumFiles.join(', ')}).\n` +
      "Say what the image is, { checksum: 'sha256:<hex>' }, take it as it is, { minimumTrust: 'unverified' }, or name the file in the provider's checksumFiles.",
  )
}
