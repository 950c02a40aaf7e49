/** Served files: checksum files and signatures, from a site or from a mirror of it when the site does not answer. */
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import { httpFaultOf } from '../http/fault.js'
import { isLocal, readLocalFile } from './local-directory.js'
import { addressesOf } from './listings.js'
import type { Search, Site } from './site.js'
import { isAbsent, noteStep } from './trail.js'

export interface ServedFile {
  readonly bytes: Buffer
  /** Where it was asked: what lies beside it is beside this. */
  readonly askedUrl: string
  /** Where it came from in the end. */
  readonly url: string
}

/**
 * @param maxBytes more is an answer that no such file has.
 * @throws VmImageError NETWORK with every address that was tried; for what the publisher itself says is not there, see
 *   {@link isAbsent}.
 */
export async function fetchServedFile(
  url: string,
  maxBytes: number,
  site: Site,
  search: Search,
): Promise<ServedFile> {
  if (isLocal(url)) return { ...(await readLocalFile(url)), askedUrl: url }
  const failures: VmImageError[] = []
  for (const address of addressesOf(url, site)) {
    try {
      const file = await fetchFrom(address, maxBytes, search.context)
      tellFallback(url, address, failures, search)
      return file
    } catch (error) {
      // That a mirror does not have it says nothing of the publisher.
      const isTold = address === url && isAbsent(error)
      if (!(error instanceof VmImageError) || isTold || httpFaultOf(error) === undefined) throw error
      noteStep(search, { url: address, found: firstLine(error) })
      failures.push(error)
    }
  }
  throw allFailed(url, failures)
}

/** Whoever leads from http to https may be anybody: the file comes from where it was asked for. */
async function fetchFrom(url: string, maxBytes: number, { http, signal }: Context): Promise<ServedFile> {
  const file = await http.bytes(url, { signal, maxBytes })
  return { bytes: file.bytes, askedUrl: url, url: url.startsWith('http:') ? url : file.url }
}

function tellFallback(
  url: string,
  address: string,
  [first]: readonly VmImageError[],
  { context }: Search,
): void {
  if (first === undefined) return
  context.report({
    type: 'warning',
    message: `${url} does not answer; ${address} says what is in it. ${firstLine(first)}`,
  })
}

function allFailed(url: string, failures: readonly VmImageError[]): VmImageError {
  const [first] = failures
  return new VmImageError(
    first?.code ?? 'NETWORK',
    `Cannot read "${url}": no server gave a usable answer, and without it nothing can be verified.\n` +
      `Try again later, or say what the image is, { checksum: 'sha256:<hex>' }. Tried:\n` +
      failures.map((failure) => `  ${firstLine(failure)}`).join('\n'),
    { cause: first?.cause },
  )
}

function firstLine({ message }: VmImageError): string {
  return message.split('\n', 1)[0] ?? ''
}
