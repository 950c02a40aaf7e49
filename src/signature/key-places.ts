/** Where the keys of publishers are to be had: kept in the cache, in files of installed packages, at the publisher's. */
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
  readonly isCache: boolean
  /** Of a server that did not answer, or had no time to: nobody knows what it has. */
  readonly failure?: VmImageError | undefined
}

const maxKeyBytes = 4 * 2 ** 20

/** Looks at one place after another; who has found a key that does stops, and what comes after it is never asked. */
export async function* lookForKeys(
  signer: Signer,
  keyCache: KeyCache,
  context: Context,
): AsyncGenerator<KeyPlace> {
  const { fingerprints, keyrings = [], keyUrls } = signer
  const kept = fingerprints.flatMap((fingerprint) => keyCache.find(fingerprint) ?? [])
  if (kept.length > 0) {
    // Each by itself: a torn file spoils no other.
    const keys = (await Promise.all(kept.map(readPublicKeys))).flat()
    yield { ...place('the cache', keys, signer), isCache: true }
  }
  for (const path of keyrings) {
    context.signal.throwIfAborted()
    yield await lookAtFile(path, signer)
  }
  for (const url of keyUrls) yield await lookAtUrl(url, signer, context)
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
  return { name, keys, found, isCache: false }
}

function empty(name: string, found: string): KeyPlace {
  return { name, keys: [], found, isCache: false }
}
