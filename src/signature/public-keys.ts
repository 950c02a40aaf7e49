/** Public keys, read in every shape in which publishers serve them. */
import { armourBlocks } from './armour.js'
import { type Key, loadOpenpgp } from './openpgp.js'

const beginning = '-----BEGIN PGP PUBLIC KEY BLOCK-----'
/** Each is read by itself. FreeBSD's file of all committers has several hundred (seen 2026-11). */
const maxBlocks = 1024

/**
 * The keys in a file: binary or armoured, one or many, also between other text; of more than 1024 armoured blocks the
 * first ones. What cannot be read is left out, for a keyring of 80 keys is no worse for one of a kind that is not known
 * yet.
 */
export async function readPublicKeys(bytes: Uint8Array): Promise<readonly Key[]> {
  const { readKeys } = await loadOpenpgp()
  const config = { ignoreMalformedPackets: true }
  const blocks = armourBlocks(bytes, beginning, maxBlocks)
  const reading =
    blocks.length === 0
      ? [readKeys({ binaryKeys: bytes, config })]
      : blocks.map((armoredKeys) => readKeys({ armoredKeys, config }))
  const read = await Promise.allSettled(reading)
  const keys = read.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  return keys.filter((key) => !key.isPrivate())
}

/** Of the primary key, 40 hex digits in upper case. */
export function fingerprintOf(key: Key): string {
  return key.getFingerprint().toUpperCase()
}
