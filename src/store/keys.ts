/** The publishers' keys that verified something before, so that a verified image never needs the network again. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { systemErrorCode } from '../errors.js'
import type { KeyCache } from '../signature/key-cache.js'
import { type CacheLayout, keyPath } from './layout.js'
import { newOwner } from './owner.js'

export function keyCache(layout: CacheLayout): KeyCache {
  return {
    find: (fingerprint) => findKey(layout, fingerprint),
    keep: (fingerprint, key) => keepKey(layout, fingerprint, key),
  }
}

function findKey(layout: CacheLayout, fingerprint: string): Uint8Array | undefined {
  try {
    return readFileSync(keyPath(layout, fingerprint))
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function keepKey(layout: CacheLayout, fingerprint: string, key: Uint8Array): void {
  const path = keyPath(layout, fingerprint)
  const draft = `${path}.${newOwner()}`
  try {
    mkdirSync(layout.keys, { recursive: true, mode: 0o700 })
    try {
      writeFileSync(draft, key, { mode: 0o444, flush: true })
      renameSync(draft, path)
    } finally {
      rmSync(draft, { force: true })
    }
  } catch (error) {
    // A cache that is read-only or full: the key was good all the same, and is asked for again next time.
    if (systemErrorCode(error) === undefined) throw error
  }
}
