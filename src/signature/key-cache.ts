/** Keys that did before, by fingerprint. What is kept need not be trusted: a key is read again, and its fingerprint taken. */
export interface KeyCache {
  /** @param fingerprint of a primary key, 40 hex digits in upper case. */
  find(fingerprint: string): Uint8Array | undefined
  /**
   * Replaces what is kept. A cache that cannot be written is no error.
   *
   * @throws VmImageError CACHE_UNSAFE when the cache is not the user's alone.
   */
  keep(fingerprint: string, key: Uint8Array): void
}
