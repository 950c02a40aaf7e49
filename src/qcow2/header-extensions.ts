/**
 * Header extensions: the records of type, length and data that stand between the header and the end of the first
 * cluster (docs/interop/qcow2.txt, section "Header extensions"). Each is padded to a multiple of 8 bytes; type 0 ends
 * the list.
 */
export interface HeaderExtension {
  readonly type: number
  readonly data: Buffer
}

export const extensionType = {
  backingFormat: 0xe2_79_2a_ca,
  featureNames: 0x68_03_f8_57,
  dataFileName: 0x44_41_54_41,
  encryptionHeader: 0x05_37_be_77,
  bitmaps: 0x23_85_28_75,
} as const

/** The extensions of an image, and what is wrong with the list: one runs out of its place, or there are too many. */
interface ExtensionList {
  readonly list: readonly HeaderExtension[]
  readonly fault: 'length' | 'number' | undefined
}

/**
 * The extensions in `bytes`, the part of the first cluster that follows the header, at most `limit` of them. Where
 * the bytes are only the start of that part (`isCut`), the list has to end in them.
 */
export function parseExtensions(
  bytes: Buffer,
  { limit, isCut }: { readonly limit: number; readonly isCut: boolean },
): ExtensionList {
  const list: HeaderExtension[] = []
  let offset = 0
  while (offset + 8 <= bytes.length) {
    const type = bytes.readUInt32BE(offset)
    const start = offset + 8
    const end = start + bytes.readUInt32BE(offset + 4)
    // QEMU looks at the length of the end mark too.
    if (end > bytes.length) return { list, fault: 'length' }
    if (type === 0) return { list, fault: undefined }
    if (list.length === limit) return { list, fault: 'number' }
    list.push({ type, data: bytes.subarray(start, end) })
    offset = padded(end)
  }
  return { list, fault: isCut ? 'length' : undefined }
}

/** Where the directory of an image's bitmaps is, and how many it lists. */
interface BitmapList {
  readonly count: number
  readonly reserved: number
  readonly directoryBytes: bigint
  readonly directoryOffset: bigint
}

/** The data of a bitmaps extension (section "Bitmaps extension"); undefined when they have another length. */
export function parseBitmapList(data: Buffer): BitmapList | undefined {
  if (data.length !== 24) return undefined
  return {
    count: data.readUInt32BE(0),
    reserved: data.readUInt32BE(4),
    directoryBytes: data.readBigUInt64BE(8),
    directoryOffset: data.readBigUInt64BE(16),
  }
}

/** The bytes of a list of extensions, with its end mark. */
export function serialiseExtensions(extensions: readonly HeaderExtension[]): Buffer {
  const endMark = Buffer.alloc(8)
  return Buffer.concat([...extensions.map(serialiseExtension), endMark])
}

/** The extension that tells QEMU how to read the backing file, so that it never guesses. */
export function backingFormat(format: 'qcow2' | 'raw'): HeaderExtension {
  return { type: extensionType.backingFormat, data: Buffer.from(format, 'ascii') }
}

/**
 * The names of the feature bits, with which an old QEMU says what it does not know. The list, its order and its words
 * are those of QEMU 7.2 (block/qcow2.c, `qcow2_update_header`).
 */
export const featureNames: HeaderExtension = {
  type: extensionType.featureNames,
  data: Buffer.concat([
    featureName('incompatible', 0, 'dirty bit'),
    featureName('incompatible', 1, 'corrupt bit'),
    featureName('incompatible', 2, 'external data file'),
    featureName('incompatible', 3, 'compression type'),
    featureName('incompatible', 4, 'extended L2 entries'),
    featureName('compatible', 0, 'lazy refcounts'),
    featureName('autoclear', 0, 'bitmaps'),
    featureName('autoclear', 1, 'raw external data'),
  ]),
}

function serialiseExtension({ type, data }: HeaderExtension): Buffer {
  const bytes = Buffer.alloc(8 + padded(data.length))
  bytes.writeUInt32BE(type, 0)
  bytes.writeUInt32BE(data.length, 4)
  data.copy(bytes, 8)
  return bytes
}

/** One entry of the table: a byte for the kind, a byte for the bit's number, 46 bytes of name. */
function featureName(kind: 'incompatible' | 'compatible' | 'autoclear', bit: number, name: string): Buffer {
  const bytes = Buffer.alloc(48)
  bytes[0] = { incompatible: 0, compatible: 1, autoclear: 2 }[kind]
  bytes[1] = bit
  bytes.write(name, 2, 'ascii')
  return bytes
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
