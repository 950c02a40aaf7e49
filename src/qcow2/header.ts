/**
 * The qcow2 header, field by field in the order of QEMU's specification (docs/interop/qcow2.txt, section "Header").
 *
 * Pure: it translates between bytes and a record and judges nothing. Whether the values make sense is asked by
 * gate.ts. Fields of 64 bits are BigInts, because a hostile file may hold any of them.
 */
export interface Qcow2Header {
  readonly version: 2 | 3
  /** Where the backing file's name begins in the file; 0n for no backing file. */
  readonly backingNameOffset: bigint
  readonly backingNameBytes: number
  /** A cluster has 2 ** clusterBits bytes. */
  readonly clusterBits: number
  readonly virtualSizeBytes: bigint
  /** 0 none, 1 AES, 2 LUKS. */
  readonly encryption: number
  readonly l1Entries: number
  readonly l1Offset: bigint
  readonly refcountTableOffset: bigint
  readonly refcountTableClusters: number
  readonly snapshotCount: number
  readonly snapshotsOffset: bigint
  /** Bits of {@link incompatible}: a program that does not know one must not open the image. */
  readonly incompatibleFeatures: bigint
  readonly compatibleFeatures: bigint
  /** Bits of {@link autoclear}: a program that does not know one clears it when it writes. */
  readonly autoclearFeatures: bigint
  /** A refcount has 2 ** refcountOrder bits. */
  readonly refcountOrder: number
  /** Where the header ends and its extensions begin. */
  readonly headerBytes: number
  /** 0 zlib, 1 zstd. */
  readonly compression: number
}

/** The first four bytes of every qcow2 file. */
export const qcow2Magic = 0x51_46_49_fb

export const incompatible = {
  dirty: 1n << 0n,
  corrupt: 1n << 1n,
  externalDataFile: 1n << 2n,
  compressionType: 1n << 3n,
  extendedL2: 1n << 4n,
} as const

export const compatible = { lazyRefcounts: 1n << 0n } as const

export const autoclear = { bitmaps: 1n << 0n, rawExternalData: 1n << 1n } as const

/** QEMU opens no image with more: the L1 table ends at 32 MiB. */
export const mostL1Entries = 4_194_304

/** Version 2 ends after the snapshots; version 3 goes on, and says itself how far. */
export const headerBytesOfVersion2 = 72
export const leastHeaderBytesOfVersion3 = 104

/** What QEMU writes: version 3 with the compression type, padded to a multiple of 8. */
const headerBytesWithCompression = 112

/** A new image of version 3 before anything is known about it: clusters of 64 KiB, refcounts of 16 bits. */
export const newHeader: Qcow2Header = {
  version: 3,
  backingNameOffset: 0n,
  backingNameBytes: 0,
  clusterBits: 16,
  virtualSizeBytes: 0n,
  encryption: 0,
  l1Entries: 0,
  l1Offset: 0n,
  refcountTableOffset: 0n,
  refcountTableClusters: 0,
  snapshotCount: 0,
  snapshotsOffset: 0n,
  incompatibleFeatures: 0n,
  compatibleFeatures: 0n,
  autoclearFeatures: 0n,
  refcountOrder: 4,
  headerBytes: headerBytesWithCompression,
  compression: 0,
}

/**
 * Reads the header at the start of `bytes`; undefined when there is no whole header of version 2 or 3. Version 2 has
 * no fields after the snapshots: they get the values that the specification gives them.
 */
export function parseHeader(bytes: Buffer): Qcow2Header | undefined {
  if (bytes.length < headerBytesOfVersion2 || bytes.readUInt32BE(0) !== qcow2Magic) return undefined
  const version = bytes.readUInt32BE(4)
  if (version !== 2 && version !== 3) return undefined
  const start = {
    version,
    backingNameOffset: bytes.readBigUInt64BE(8),
    backingNameBytes: bytes.readUInt32BE(16),
    clusterBits: bytes.readUInt32BE(20),
    virtualSizeBytes: bytes.readBigUInt64BE(24),
    encryption: bytes.readUInt32BE(32),
    l1Entries: bytes.readUInt32BE(36),
    l1Offset: bytes.readBigUInt64BE(40),
    refcountTableOffset: bytes.readBigUInt64BE(48),
    refcountTableClusters: bytes.readUInt32BE(56),
    snapshotCount: bytes.readUInt32BE(60),
    snapshotsOffset: bytes.readBigUInt64BE(64),
  } as const
  if (version === 2) return { ...newHeader, ...start, headerBytes: headerBytesOfVersion2 }
  if (bytes.length < leastHeaderBytesOfVersion3) return undefined
  const headerBytes = bytes.readUInt32BE(100)
  return {
    ...start,
    incompatibleFeatures: bytes.readBigUInt64BE(72),
    compatibleFeatures: bytes.readBigUInt64BE(80),
    autoclearFeatures: bytes.readBigUInt64BE(88),
    refcountOrder: bytes.readUInt32BE(96),
    headerBytes,
    // A header of 104 bytes ends before this field, and its image is zlib.
    compression: headerBytes > leastHeaderBytesOfVersion3 ? (bytes[leastHeaderBytesOfVersion3] ?? 0) : 0,
  }
}

/** The bytes of a header, `headerBytes` of them (72 for version 2). */
export function serialiseHeader(header: Qcow2Header): Buffer {
  const bytes = Buffer.alloc(header.version === 2 ? headerBytesOfVersion2 : header.headerBytes)
  bytes.writeUInt32BE(qcow2Magic, 0)
  bytes.writeUInt32BE(header.version, 4)
  bytes.writeBigUInt64BE(header.backingNameOffset, 8)
  bytes.writeUInt32BE(header.backingNameBytes, 16)
  bytes.writeUInt32BE(header.clusterBits, 20)
  bytes.writeBigUInt64BE(header.virtualSizeBytes, 24)
  bytes.writeUInt32BE(header.encryption, 32)
  bytes.writeUInt32BE(header.l1Entries, 36)
  bytes.writeBigUInt64BE(header.l1Offset, 40)
  bytes.writeBigUInt64BE(header.refcountTableOffset, 48)
  bytes.writeUInt32BE(header.refcountTableClusters, 56)
  bytes.writeUInt32BE(header.snapshotCount, 60)
  bytes.writeBigUInt64BE(header.snapshotsOffset, 64)
  if (header.version === 2) return bytes
  bytes.writeBigUInt64BE(header.incompatibleFeatures, 72)
  bytes.writeBigUInt64BE(header.compatibleFeatures, 80)
  bytes.writeBigUInt64BE(header.autoclearFeatures, 88)
  bytes.writeUInt32BE(header.refcountOrder, 96)
  bytes.writeUInt32BE(header.headerBytes, 100)
  if (header.headerBytes > leastHeaderBytesOfVersion3) bytes[leastHeaderBytesOfVersion3] = header.compression
  return bytes
}

/** Bytes of a cluster, which are beyond all numbers before rule Q3 was asked. */
export function clusterBytes({ clusterBits }: Qcow2Header): bigint {
  return 1n << BigInt(clusterBits)
}

/** Whether any of `bits` is set in the incompatible features. */
export function hasFeature({ incompatibleFeatures }: Qcow2Header, bits: bigint): boolean {
  return (incompatibleFeatures & bits) !== 0n
}
