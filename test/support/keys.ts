/**
 * Keys of publishers that only exist in tests, and what is signed with them. Dates make keys that had expired, or were
 * extended, when something was signed.
 */
import { createHash, createPrivateKey, sign } from 'node:crypto'
import * as openpgp from 'openpgp'

export interface TestKey {
  /** Of the primary key, as a provider pins it. */
  readonly fingerprint: string
  /** The public key, binary. */
  readonly bytes: Buffer
  /** The public key, armoured. */
  readonly armored: string
  readonly secret: openpgp.PrivateKey
}

export interface KeyOptions {
  readonly name?: string
  /** When it is made. Default 2024-01-01. */
  readonly date?: Date
  /** When it expires. Default never. */
  readonly expires?: Date
  /** Signing subkeys; the newest that is valid signs, instead of the primary key. Default none. */
  readonly subkeys?: readonly { readonly date?: Date; readonly expires?: Date }[]
  /** `rsa` where GnuPG has to read signatures of version 3. Default `ecc`, which is quicker to make. */
  readonly type?: 'ecc' | 'rsa'
}

const firstDay = new Date('2024-01-01T00:00:00Z')

export async function makeKey({
  name = 'acme',
  date = firstDay,
  expires,
  subkeys = [],
  type = 'ecc',
}: KeyOptions = {}): Promise<TestKey> {
  const { privateKey } = await openpgp.generateKey({
    type,
    rsaBits: 2048,
    userIDs: { name },
    date,
    keyExpirationTime: secondsBetween(date, expires),
    subkeys: subkeys.map((subkey) => ({
      sign: true,
      date: subkey.date ?? date,
      keyExpirationTime: secondsBetween(subkey.date ?? date, subkey.expires),
    })),
    format: 'object',
  })
  return testKey(privateKey)
}

/** The same keys with new self-signatures alone, as a key server has them that drops the old ones. */
export async function renewKey({ secret }: TestKey, date: Date, expires?: Date): Promise<TestKey> {
  const { privateKey } = await openpgp.reformatKey({
    privateKey: secret,
    userIDs: { name: 'acme' },
    date,
    keyExpirationTime: secondsBetween(secret.getCreationTime(), expires),
    format: 'object',
  })
  return testKey(privateKey)
}

export async function revokeKey(
  { secret }: TestKey,
  date: Date,
  reason: 'keyCompromised' | 'keyRetired',
): Promise<TestKey> {
  const reasonForRevocation = { flag: openpgp.enums.reasonForRevocation[reason] }
  const { privateKey } = await openpgp.revokeKey({ key: secret, date, reasonForRevocation, format: 'object' })
  return testKey(privateKey)
}

export function testKey(secret: openpgp.PrivateKey): TestKey {
  const key = secret.toPublic()
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    bytes: Buffer.from(key.write()),
    armored: key.armor(),
    secret,
  }
}

export interface SigningOptions {
  /** Default 2024-06-01. */
  readonly date?: Date
  readonly config?: openpgp.PartialConfig
}

const signingDay = new Date('2024-06-01T00:00:00Z')

/** The page with the signature around `text`. */
export async function clearSign(
  text: string,
  keys: TestKey | readonly TestKey[],
  { date = signingDay, config = {} }: SigningOptions = {},
): Promise<string> {
  const message = await openpgp.createCleartextMessage({ text })
  return openpgp.sign({ message, signingKeys: secretsOf(keys), date, config })
}

/** The signature of `data` alone: armoured, for `Buffer.from()` to take. */
export async function signDetached(
  data: string | Uint8Array,
  keys: TestKey | readonly TestKey[],
  { date = signingDay, config = {} }: SigningOptions = {},
): Promise<string> {
  const message = await openpgp.createMessage({ binary: Buffer.from(data) })
  return openpgp.sign({ message, signingKeys: secretsOf(keys), detached: true, date, config })
}

export interface OddOptions {
  /** `standalone` signatures cover no data. Default `binary`. */
  readonly kind?: 'binary' | 'text' | 'standalone'
  /** Default sha256. */
  readonly hash?: 'sha1' | 'sha256'
}

export interface ExpiringOptions extends OddOptions {
  /** Of the signature itself. Default: it does not expire. */
  readonly expiresAfterSeconds?: number
}

/** A binary signature as `openpgp.sign()` makes none: of another kind, by a weak hash, or with an end. */
export async function signOddly(
  data: string,
  { secret }: TestKey,
  { kind = 'binary', hash = 'sha256', expiresAfterSeconds = 0 }: ExpiringOptions,
): Promise<Buffer> {
  const packet = Object.assign(new openpgp.SignaturePacket(), {
    signatureType: openpgp.enums.signature[kind],
    publicKeyAlgorithm: secret.keyPacket.algorithm,
    hashAlgorithm: openpgp.enums.hash[hash],
    signatureExpirationTime: expiresAfterSeconds,
  })
  const literal = (await openpgp.createMessage({ binary: Buffer.from(data) })).packets[0]
  // The types leave out the fifth argument, without which it fails (seen in 6.3.2).
  const config = { ...openpgp.config, nonDeterministicSignaturesViaNotation: false }
  const signing: unknown = Reflect.get(packet, 'sign')
  if (typeof signing !== 'function') throw new TypeError('openpgp has another way of signing now')
  await Reflect.apply(signing, packet, [secret.keyPacket, literal, signingDay, true, config])
  return Buffer.from(toList(packet).write())
}

/**
 * A binary signature of version 3 by an RSA key, which neither openpgp nor today's gpg makes (RFC 4880, section 5.2.2):
 * hashed are the data, the kind and the date.
 */
export function signVersion3(
  data: string,
  { secret }: TestKey,
  { kind = 'binary', hash = 'sha256', date = signingDay }: OddOptions & { readonly date?: Date } = {},
): Buffer {
  const hashed = Buffer.alloc(5)
  hashed.writeUInt8(openpgp.enums.signature[kind], 0)
  hashed.writeUInt32BE(date.getTime() / 1000, 1)
  const signature = sign(hash, Buffer.concat([Buffer.from(data), hashed]), rsaKeyOf(secret))
  const digest = createHash(hash).update(data).update(hashed).digest()
  const body = Buffer.concat([
    Buffer.from([3, hashed.length]),
    hashed,
    Buffer.from(secret.getKeyID().toHex(), 'hex'),
    Buffer.from([openpgp.enums.publicKey.rsaEncryptSign, openpgp.enums.hash[hash]]),
    digest.subarray(0, 2),
    numberOf(signature),
  ])
  const header = Buffer.from([0x89, 0, 0])
  header.writeUInt16BE(body.length, 1)
  return Buffer.concat([header, body])
}

/** OpenPGP's p and q are the other way round: its u is the inverse of p modulo q. */
function rsaKeyOf({ keyPacket }: openpgp.PrivateKey) {
  // The types say only that these are objects.
  const { n, e, d, p, q, u } = {
    ...keyPacket.publicParams,
    ...Reflect.get(keyPacket, 'privateParams'),
  } as Record<'n' | 'e' | 'd' | 'p' | 'q' | 'u', Uint8Array>
  const exponentFor = (prime: Uint8Array) => fromInteger(toInteger(d) % (toInteger(prime) - 1n))
  const fields = { n, e, d, p: q, q: p, dp: exponentFor(q), dq: exponentFor(p), qi: u }
  const encoded = Object.entries(fields).map(([name, bytes]) => [
    name,
    Buffer.from(bytes).toString('base64url'),
  ])
  return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(encoded) }, format: 'jwk' })
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function fromInteger(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}

/** A number as OpenPGP writes it: its length in bits, then its bytes. */
function numberOf(bytes: Buffer): Buffer {
  const value = toInteger(bytes)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(value.toString(2).length)
  return Buffer.concat([length, fromInteger(value)])
}

function toList<T extends openpgp.AnyPacket>(...packets: readonly T[]): openpgp.PacketList<T> {
  const list = new openpgp.PacketList<T>()
  list.push(...packets)
  return list
}

/** Takes off the armour. */
export async function toBinary(armored: string): Promise<Buffer> {
  const { packets } = await openpgp.readSignature({ armoredSignature: armored })
  return Buffer.from(packets.write())
}

function secretsOf(keys: TestKey | readonly TestKey[]): openpgp.PrivateKey[] {
  return [keys].flat().map(({ secret }) => secret)
}

function secondsBetween(start: Date, end: Date | undefined): number {
  return end ? (end.getTime() - start.getTime()) / 1000 : 0
}
