/** What a publisher says of its image: the checksum file, believed as far as its signature is. */
import type { Context } from '../context.js'
import { isWeak } from '../digest.js'
import { VmImageError } from '../errors.js'
import { httpFaultOf } from '../http/fault.js'
import type { Signature } from '../providers/definition.js'
import type { Provider } from '../providers/index.js'
import { fillTemplate, wordsOf } from '../providers/pattern.js'
import type { KeyCache } from '../signature/key-cache.js'
import { verifyClearSigned, verifyDetached } from '../signature/verify.js'
import { isEnough } from '../trust.js'
import { type Checksum, readChecksum } from './checksums.js'
import type { Page } from './listing.js'
import { decodeName } from './listed-name.js'
import { isLocal, readLocalFile } from './local-directory.js'
import { addressesOf } from './pages.js'
import { findSignature, signatureFor } from './published-signature.js'
import { fill, type Found, type Search } from './site.js'
import { isAbsent, noteStep } from './trail.js'

interface ServedFile {
  readonly bytes: Buffer
  /** Where it came from in the end. */
  readonly url: string
}

/** The largest that were seen have some 100 KiB. */
const maxBytes = 2 ** 22

export interface PublishedChecksum extends Checksum {
  /** Where it was read. */
  readonly url: string
  /** Fingerprint of the primary key that vouches for it; undefined when it is not signed. */
  readonly signedBy: string | undefined
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
    return { digest: entry.digest, sizeBytes: entry.sizeBytes, url: found.listedAt, signedBy: undefined }
  }
  // Who says what the file is needs nobody else's signature.
  const isVouchedFor = asked !== undefined && !isWeak(asked.algorithm)
  const signature = isVouchedFor ? undefined : signatureFor(found, search.request.provider)
  let missing: VmImageError | undefined
  for (const url of checksumUrls(found, search.request.provider.checksumFiles)) {
    try {
      const file = await fetchFirst(url, found, search)
      const { page, signedBy } = await verified(file, found, signature, search, keyCache)
      const checksum = readChecksum(page, entry.name)
      noteStep(search, { url: page.url, found: `names ${entry.name}: ${said(checksum, signedBy)}` })
      return { ...checksum, url: page.url, signedBy }
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

/** A checksum file as it was served, from the site or from one of its mirrors when the site does not answer. */
async function fetchFirst(url: string, { site }: Found, search: Search): Promise<ServedFile> {
  if (isLocal(url)) return readLocalFile(url)
  const failures: VmImageError[] = []
  for (const address of addressesOf(url, site)) {
    try {
      return await fetchFile(address, search.context)
    } catch (error) {
      // That a mirror does not have it says nothing of the publisher.
      const isTold = address === url && isAbsent(error)
      if (!(error instanceof VmImageError) || isTold || httpFaultOf(error) === undefined) throw error
      noteStep(search, { url: address, found: error.message.split('\n', 1)[0] ?? '' })
      failures.push(error)
    }
  }
  throw allFailed(url, failures)
}

function allFailed(url: string, failures: readonly VmImageError[]): VmImageError {
  const [first] = failures
  const tried = failures.map(({ message }) => `  ${message.split('\n', 1)[0]}`).join('\n')
  return new VmImageError(
    first?.code ?? 'NETWORK',
    `Cannot read the checksum file "${url}": no server gave a usable answer, and without it nothing can be verified.\n` +
      `Try again later, or say what the image is, { checksum: 'sha256:<hex>' }. Tried:\n${tried}`,
    { cause: first?.cause },
  )
}

/** Whoever leads from http to https may be anybody: the file comes from where it was asked for. */
async function fetchFile(url: string, { http, signal }: Context): Promise<ServedFile> {
  const file = await http.bytes(url, { signal, maxBytes })
  return url.startsWith('http:') ? { ...file, url } : file
}

/** The part of a checksum file that may be believed: of a signed one, what was signed. */
async function verified(
  file: ServedFile,
  found: Found,
  signature: Signature | undefined,
  search: Search,
  keyCache: KeyCache,
): Promise<{ readonly page: Page; readonly signedBy: string | undefined }> {
  const page = { body: file.bytes.toString('utf8'), url: file.url }
  if (signature === undefined || signature.form === 'image') return { page, signedBy: undefined }
  const evidence = { context: search.context, keyCache }
  try {
    if (signature.form === 'clear-signed') {
      const { payload, fingerprint } = await verifyClearSigned(page, signature, evidence)
      return { page: { body: payload, url: page.url }, signedBy: fingerprint }
    }
    const checksums = decodeName(new URL(page.url).pathname.split('/').at(-1) ?? '') ?? ''
    const detached = await findSignature(signature, { ...found, checksums }, page.url, search)
    const { fingerprint } = await verifyDetached(
      { name: checksums, bytes: file.bytes },
      detached,
      signature,
      evidence,
    )
    return { page, signedBy: fingerprint }
  } catch (error) {
    const excuse = excuseFor(error, signature, search)
    if (excuse === undefined) throw error
    search.context.report({ type: 'warning', message: `${found.entry.name}: ${excuse}` })
    return { page, signedBy: undefined }
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

function said({ digest }: Checksum, signedBy: string | undefined): string {
  const signed = signedBy === undefined ? '' : `, signed by ${signedBy}`
  return `${digest.algorithm}:${digest.hex}${signed}`
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
      "Say what the image is, { checksum: 'sha256:<hex>' }, or name the file in the provider's checksumFiles.",
  )
}
