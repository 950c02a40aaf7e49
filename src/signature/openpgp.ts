/** The door of openpgp. It takes some 95 ms to load: whoever finds everything in the cache never pays for it. */
export type { AnyPacket, Key, KeyID, SignaturePacket, Subkey } from 'openpgp'

export function loadOpenpgp(): Promise<typeof import('openpgp')> {
  return import('openpgp')
}
