/** What a qcow2 file says of itself, for people: read from its header, extensions and snapshots, and not yet believed. */
import { extensionsOf } from './extension-rules.js'
import { extensionType, parseBitmapList } from './header-extensions.js'
import { autoclear, clusterBytes, compatible, hasFeature, incompatible, type Qcow2Header } from './header.js'
import type { ImageFile } from './read-image.js'
import { parseSnapshots, type Snapshot } from './snapshots.js'

export interface Qcow2Facts {
  readonly version: 2 | 3
  readonly clusterBytes: number
  readonly refcountBits: number
  readonly compression: 'zlib' | 'zstd' | 'unknown'
  readonly encryption: 'none' | 'aes' | 'luks' | 'unknown'
  /** Feature bits that are set, by the names that the specification gives them. */
  readonly features: readonly string[]
  readonly snapshotCount: number
  /** The first of them, at most 100. */
  readonly snapshots: readonly Snapshot[]
  readonly bitmapCount: number
  /** The names in the file. They are data; nothing here opens them. */
  readonly backingFile: string | undefined
  readonly backingFormat: string | undefined
  readonly dataFile: string | undefined
}

const mostSnapshotBytes = 131_072
const mostShownSnapshots = 100
/** The format's own limit. */
const mostNameBytes = 1023

/** Undefined when the clusters have a size with which nothing in the file can be found. */
export function qcow2Facts(
  header: Qcow2Header,
  head: Buffer,
  read: ImageFile['read'],
): Qcow2Facts | undefined {
  if (header.clusterBits < 9 || header.clusterBits > 21) return undefined
  const { list } = extensionsOf({ header, head })
  const text = (type: number) => list.find((extension) => extension.type === type)?.data.toString('utf8')
  const bitmaps = list.find(({ type }) => type === extensionType.bitmaps)
  const count = Math.min(header.snapshotCount, mostShownSnapshots)
  return {
    version: header.version,
    clusterBytes: Number(clusterBytes(header)),
    refcountBits: 2 ** header.refcountOrder,
    compression: (['zlib', 'zstd'] as const)[header.compression] ?? 'unknown',
    encryption: (['none', 'aes', 'luks'] as const)[header.encryption] ?? 'unknown',
    features: featuresOf(header),
    snapshotCount: header.snapshotCount,
    snapshots: count === 0 ? [] : parseSnapshots(read(header.snapshotsOffset, mostSnapshotBytes), count),
    bitmapCount: (bitmaps && parseBitmapList(bitmaps.data)?.count) ?? 0,
    backingFile: backingFileOf(header, read),
    backingFormat: text(extensionType.backingFormat),
    dataFile: text(extensionType.dataFileName),
  }
}

function featuresOf(header: Qcow2Header): readonly string[] {
  const known = [
    ['dirty', header.incompatibleFeatures, incompatible.dirty],
    ['corrupt', header.incompatibleFeatures, incompatible.corrupt],
    ['external data file', header.incompatibleFeatures, incompatible.externalDataFile],
    ['compression type', header.incompatibleFeatures, incompatible.compressionType],
    ['extended L2 entries', header.incompatibleFeatures, incompatible.extendedL2],
    ['lazy refcounts', header.compatibleFeatures, compatible.lazyRefcounts],
    ['bitmaps', header.autoclearFeatures, autoclear.bitmaps],
    ['raw external data', header.autoclearFeatures, autoclear.rawExternalData],
  ] as const
  const all = Object.values(incompatible).reduce((bits, bit) => bits | bit, 0n)
  const names = known.filter(([, bits, bit]) => (bits & bit) !== 0n).map(([name]) => name)
  return hasFeature(header, ~all) ? [...names, 'unknown incompatible features'] : names
}

function backingFileOf(header: Qcow2Header, read: ImageFile['read']): string | undefined {
  const { backingNameOffset, backingNameBytes } = header
  if (backingNameOffset === 0n || backingNameBytes === 0) return undefined
  return read(backingNameOffset, Math.min(backingNameBytes, mostNameBytes)).toString('utf8')
}
