/** The publishers' keys that verified something before, so that a verified image never needs the network again. */
import { readFileSync } from 'node:fs'
import { systemErrorCode, VmImageError } from '../errors.js'
import type { KeyCache } from '../signature/key-cache.js'
import { type CacheLayout, keyPath } from './layout.js'
import { whenReadable } from './readable.js'
import { replaceFile } from './replace-file.js'
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
  try {
    ensureCache(layout)
    replaceFile(keyPath(layout, fingerprint), { content: key, mode: 0o444 })
  } catch (error) {
    // A cache that is read-only or full: the key was good all the same, and is asked for again next time.
    const codes: readonly string[] = ['CACHE_UNWRITABLE', 'NO_SPACE']
    const isUnwritable = error instanceof VmImageError && codes.includes(error.code)
    if (!isUnwritable && systemErrorCode(error) === undefined) throw error
  }
}
