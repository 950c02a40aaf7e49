/** The signatures in a file: what each says of itself, and how it is proven. */
import type { VmImageError } from '../errors.js'
import type { Signer } from '../providers/definition.js'
import { armourBlocks } from './armour.js'
import { proveByGpgv, parseVersion3, type Version3 } from './gpgv.js'
import { type AnyPacket, type Key, loadOpenpgp, type SignaturePacket, type Subkey } from './openpgp.js'
import { type Claim, signatureError } from './refusal.js'

export interface DataSignature {
  /** Of the primary key or subkey that it is said to be by, 16 hex digits in lower case. */
  readonly keyId: string
  readonly madeAt: Date
  /** Milliseconds since 1970 when the signature itself, not its key, expires; Infinity for never. */
  readonly expiresAt: number
  /** What is wrong with it; undefined when `signer`, which is `key` or a subkey of it, has made it over these bytes. */
  readonly prove: (
    key: Key,
    signer: Key | Subkey,
    data: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ) => Promise<string | undefined>
}

type Openpgp = Awaited<ReturnType<typeof loadOpenpgp>>

const beginning = '-----BEGIN PGP SIGNATURE-----'
/** No publisher has more; each may cost a pass over a file of gigabytes. */
const maxSignatures = 16
/** Sixteen of them take no more; openpgp takes seconds for each megabyte of tiny packets. */
const maxSignatureBytes = 2 ** 16

/**
 * The signatures of data in a file, armoured or binary. Those of other kinds, which cover no data, and those that cannot
 * be read do not count.
 *
 * @throws VmImageError SIGNATURE_MISSING when there is no signature, SIGNATURE_INVALID when there is none that counts.
 */
export async function readDataSignatures(
  bytes: Uint8Array,
  claim: Claim,
  { isVersion3 = false }: Pick<Signer, 'isVersion3'>,
): Promise<readonly DataSignature[]> {
  const openpgp = await loadOpenpgp()
  const packets = await readPackets(openpgp, bytes, claim)
  if (packets.length === 0) throw signatureError('SIGNATURE_MISSING', claim, 'holds no OpenPGP signature')
  if (packets.length > maxSignatures) throw tooMuch(claim, `more than ${maxSignatures} parts`)
  const signatures = packets.flatMap((packet) => toDataSignature(openpgp, packet, isVersion3) ?? [])
  if (signatures.length > 0) return signatures
  throw signatureError(
    'SIGNATURE_INVALID',
    claim,
    'is of a kind that proves nothing; a signature of data is wanted',
  )
}

async function readPackets(
  { readSignature }: Openpgp,
  bytes: Uint8Array,
  claim: Claim,
): Promise<readonly AnyPacket[]> {
  const config = { ignoreMalformedPackets: true }
  // The first byte of every binary packet has its highest bit set, and no text that is armour begins so.
  const isBinary = ((bytes[0] ?? 0) & 0x80) !== 0
  const blocks = isBinary ? [] : armourBlocks(bytes, beginning, maxSignatures + 1)
  if (blocks.length > maxSignatures) throw tooMuch(claim, `more than ${maxSignatures} parts`)
  const sizeBytes = isBinary ? bytes.length : blocks.join('').length
  if (sizeBytes > maxSignatureBytes) throw tooMuch(claim, `more than ${maxSignatureBytes} bytes`)
  const reading = isBinary
    ? [readSignature({ binarySignature: bytes, config })]
    : blocks.filter(hasContent).map((armoredSignature) => readSignature({ armoredSignature, config }))
  try {
    return (await Promise.all(reading)).flatMap(({ packets }) => [...packets])
  } catch (cause) {
    throw signatureError('SIGNATURE_INVALID', claim, 'cannot be read; an OpenPGP signature is wanted', {
      cause,
    })
  }
}

function tooMuch(claim: Claim, found: string): VmImageError {
  return signatureError('SIGNATURE_INVALID', claim, `has ${found}, more than any publisher's`)
}

/** Whether there is a line of base64 between the lines of the armour. */
function hasContent(block: string): boolean {
  return /^[A-Za-z0-9+/=]{12}/m.test(block)
}

/** Version 3 only from whom it is known of: where gpgv is missing it could stand for a signature that nobody can check. */
function toDataSignature(
  openpgp: Openpgp,
  packet: AnyPacket,
  isVersion3: boolean,
): DataSignature | undefined {
  const { binary, text } = openpgp.enums.signature
  const isOfData = (type: number | null) => type === binary || type === text
  if (packet instanceof openpgp.SignaturePacket)
    return isOfData(packet.signatureType) ? modern(packet) : undefined
  const fields = isVersion3 ? parseVersion3(packet.write()) : undefined
  return fields && isOfData(fields.type) ? version3(openpgp, packet, fields) : undefined
}

function modern(packet: SignaturePacket): DataSignature | undefined {
  const { created, signatureType } = packet
  if (created === null || signatureType === null) return undefined
  return {
    keyId: packet.issuerKeyID.toHex(),
    madeAt: created,
    expiresAt: Number(packet.getExpirationTime()),
    async prove(_key, signer, data) {
      // What openpgp asks of a literal data packet. With a packet of its own it keeps all that was read in memory.
      const literal = { text: null, getBytes: () => ReadableStream.from(data) }
      try {
        await packet.verify(signer.keyPacket, signatureType, literal, created, true)
        return undefined
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
  }
}

function version3(
  openpgp: Openpgp,
  packet: AnyPacket,
  { keyId, madeAt, hashAlgorithm }: Version3,
): DataSignature {
  const { PacketList, config } = openpgp
  const packets = new PacketList<AnyPacket>()
  packets.push(packet)
  return {
    keyId,
    madeAt,
    expiresAt: Infinity,
    async prove(key, signer, data, signal) {
      if (config.rejectMessageHashAlgorithms.has(hashAlgorithm)) return 'Insecure message hash algorithm'
      const fingerprint = signer.getFingerprint().toUpperCase()
      return proveByGpgv({ signature: packets.write(), key: key.write(), fingerprint }, data, signal)
    },
  }
}
