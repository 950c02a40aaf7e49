/** The door of openpgp. It takes some 95 ms to load: whoever finds everything in the cache never pays for it. */
export type { AnyPacket, Key, KeyID, SignaturePacket, Subkey } from 'openpgp'

// oxlint-disable-next-line typescript/consistent-type-imports -- the type of the whole module, which has no other name
export function loadOpenpgp(): Promise<typeof import('openpgp')> {
  return import('openpgp')
}
