/** The publishers' keys that verified something before, so that a verified image never needs the network again. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { systemErrorCode, VmImageError } from '../errors.js'
import type { KeyCache } from '../signature/key-cache.js'
import { type CacheLayout, keyPath } from './layout.js'
import { newOwner } from './owner.js'
import { whenReadable } from './readable.js'
import { ensureCache } from './root.js'

export function keyCache(layout: CacheLayout): KeyCache {
  return {
    find: (fingerprint) => findKey(layout, fingerprint),
    keep: (fingerprint, key) => keepKey(layout, fingerprint, key),
  }
}

/** Whatever cannot be read is as good as not there: the key is then asked for again. */
function findKey(layout: CacheLayout, fingerprint: string): Uint8Array | undefined {
  return whenReadable(() => readFileSync(keyPath(layout, fingerprint)))
}

function keepKey(layout: CacheLayout, fingerprint: string, key: Uint8Array): void {
  const path = keyPath(layout, fingerprint)
  const draft = `${path}.${newOwner()}`
  try {
    ensureCache(layout)
    try {
      writeFileSync(draft, key, { mode: 0o444, flush: true })
      renameSync(draft, path)
    } finally {
      rmSync(draft, { force: true })
    }
  } catch (error) {
    // A cache that is read-only or full: the key was good all the same, and is asked for again next time.
    const isUnwritable = error instanceof VmImageError && error.code === 'CACHE_UNWRITABLE'
    if (!isUnwritable && systemErrorCode(error) === undefined) throw error
  }
}
