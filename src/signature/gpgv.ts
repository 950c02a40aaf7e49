/**
 * Signature packets of version 3 (RFC 4880, section 5.2.2), which openpgp does not know: the Open Build Service, and so
 * openSUSE, still makes them (seen 2026-11). GnuPG's gpgv proves them; whether the key was good is judged elsewhere.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withDir } from 'tmp-promise'
import { VmImageError } from '../errors.js'
import { runProgram } from '../program.js'

export interface Version3 {
  /** 0 is a signature of bytes, 1 of a text. */
  readonly type: number
  readonly madeAt: Date
  /** 16 hex digits in lower case. */
  readonly keyId: string
  /** The number of the hash algorithm (RFC 4880, section 9.4). */
  readonly hashAlgorithm: number
}

/** The fields of a packet's body, or undefined when it is not of version 3. */
export function parseVersion3(packetBody: Uint8Array): Version3 | undefined {
  const bytes = Buffer.from(packetBody)
  if (bytes.length < 19 || bytes[0] !== 3 || bytes[1] !== 5) return undefined
  return {
    type: bytes.readUInt8(2),
    madeAt: new Date(bytes.readUInt32BE(3) * 1000),
    keyId: bytes.toString('hex', 7, 15),
    hashAlgorithm: bytes.readUInt8(16),
  }
}

export interface Proof {
  /** One signature packet. */
  readonly signature: Uint8Array
  /** The public key that may have made it, binary, and no other. */
  readonly key: Uint8Array
  /** Of that key, or of the one of its subkeys that may have; 40 hex digits in upper case. */
  readonly fingerprint: string
}

/**
 * What is wrong with the signature; undefined when nothing is.
 *
 * @throws VmImageError TOOL_MISSING when gpgv is not installed.
 */
export async function proveByGpgv(
  { signature, key, fingerprint }: Proof,
  data: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const prove = async (directory: string) => {
    const [keyring, signatureFile] = [join(directory, 'keyring.gpg'), join(directory, 'signature')]
    await writeFile(keyring, key)
    await writeFile(signatureFile, signature)
    const args = ['--homedir', directory, '--status-fd', '1', '--keyring', keyring, signatureFile, '-']
    return await statusOf(runProgram('gpgv', args, { stdin: data, signal }))
  }
  const status = await withDir(({ path }) => prove(path), { prefix: 'vmimage-gpgv', unsafeCleanup: true })
  const [, by] = /^\[GNUPG:\] VALIDSIG ([0-9A-F]{40}) /m.exec(status) ?? []
  return by === fingerprint ? undefined : `gpgv says ${status.trim().split('\n').at(-1) || 'nothing'}`
}

/** GnuPG's doc/DETAILS says what the lines mean. That gpgv fails for a bad signature says no more than they do. */
async function statusOf(output: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = []
  try {
    for await (const piece of output) pieces.push(piece)
  } catch (error) {
    if (!(error instanceof VmImageError && error.code === 'TOOL_FAILED')) throw error
  }
  return Buffer.concat(pieces).toString('utf8')
}
