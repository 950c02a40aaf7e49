/** Where the keys of publishers are to be had: in files of installed packages, kept in the cache, at the publisher's. */
import { readFile } from 'node:fs/promises'
import type { Context } from '../context.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { httpFaultOf } from '../http/fault.js'
import type { Signer } from '../providers/definition.js'
import type { KeyCache } from './key-cache.js'
import type { Key } from './openpgp.js'
import { fingerprintOf, readPublicKeys } from './public-keys.js'

/** A place that was looked at. */
export interface KeyPlace {
  readonly name: string
  /** Only keys whose fingerprint is pinned. */
  readonly keys: readonly Key[]
  /** What there was, for messages. */
  readonly found: string
  /** Whether it is on this machine. */
  readonly isLocal: boolean
  /** Of a server that did not answer, or had no time to: nobody knows what it has. */
  readonly failure?: VmImageError | undefined
}

const maxKeyBytes = 4 * 2 ** 20

/**
 * Looks at what is on this machine, all of it, for any copy of a key may hold its revocation; then at one address after
 * another. Who has found a key that does stops, and what comes after it is never asked.
 */
export async function* lookForKeys(
  signer: Signer,
  keyCache: KeyCache,
  context: Context,
): AsyncGenerator<readonly KeyPlace[]> {
  const { keyrings = [], keyUrls } = signer
  context.signal.throwIfAborted()
  const installed = await Promise.all(keyrings.map((path) => lookAtFile(path, signer)))
  yield [...installed, ...(await lookAtCache(keyCache, signer))].map((each) => ({ ...each, isLocal: true }))
  for (const url of keyUrls) yield [await lookAtUrl(url, signer, context)]
}

async function lookAtCache(keyCache: KeyCache, signer: Signer): Promise<readonly KeyPlace[]> {
  const kept = signer.fingerprints.flatMap((fingerprint) => keyCache.find(fingerprint) ?? [])
  // Each by itself: a torn file spoils no other.
  const keys = (await Promise.all(kept.map(readPublicKeys))).flat()
  return kept.length === 0 ? [] : [place('the cache', keys, signer)]
}

async function lookAtFile(path: string, signer: Signer): Promise<KeyPlace> {
  try {
    return place(path, await readPublicKeys(await readFile(path)), signer)
  } catch (error) {
    const found = systemErrorCode(error)
    if (found === undefined) throw error
    return empty(path, found === 'ENOENT' ? 'there is no such file' : found)
  }
}

async function lookAtUrl(url: string, signer: Signer, { http, signal }: Context): Promise<KeyPlace> {
  if (!url.startsWith('https://')) return empty(url, 'not asked, for it is not an https address')
  try {
    const { bytes, contentType } = await http.bytes(url, { signal, maxBytes: maxKeyBytes, fresh: true })
    return place(url, await readPublicKeys(bytes), signer, contentType)
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    const isSilent = error.code === 'OFFLINE' || httpFaultOf(error)?.isPassing === true
    const found = error.cause instanceof Error ? error.cause.message : 'the network is switched off'
    return { ...empty(url, found), failure: isSilent ? error : undefined }
  }
}

function place(name: string, all: readonly Key[], signer: Signer, contentType?: string): KeyPlace {
  const keys = all.filter((key) => signer.fingerprints.includes(fingerprintOf(key)))
  const what = contentType === undefined ? '' : ` (${contentType})`
  const found = `keys found: ${all.length}, of these pinned: ${keys.length}${what}`
  return { name, keys, found, isLocal: false }
}

function empty(name: string, found: string): KeyPlace {
  return { name, keys: [], found, isLocal: false }
}
