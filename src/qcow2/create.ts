/**
 * Writes an empty overlay over a base image, in this process: a header, two entries of metadata, and the base's path.
 *
 * Synchronous on purpose: it is a handful of system calls, and handing each to the thread pool takes longer than the
 * call. Nothing is flushed to the disk, because an overlay that dies with its host is of no use to anybody.
 */
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { basename, isAbsolute } from 'node:path'
import { systemErrorCode, VmImageError } from '../errors.js'
import { backingFormat, featureNames, serialiseExtensions } from './header-extensions.js'
import { incompatible, mostL1Entries, newHeader, type Qcow2Header, serialiseHeader } from './header.js'

/** What an overlay lies on: an image as inspectImage() describes it. */
export interface OverlayBase {
  /** Absolute, at most 1023 bytes, and the same file to this process and to QEMU. */
  readonly path: string
  readonly format: 'qcow2' | 'raw'
  readonly virtualSizeBytes: number
  /** True: the overlay is in the base's directory and stays with it wherever both go, so it names it from there. */
  readonly isBeside?: boolean | undefined
}

export interface OverlayOptions {
  /** Size of the overlay's disk, rounded up to a multiple of 512; at least the base's. Default: the base's. */
  readonly sizeBytes?: number | undefined
  /**
   * Keeps track of written data in pieces of 2 KiB instead of 64 KiB: scattered first writes are about twice as fast
   * and take a sixteenth of the space. QEMU reads it since 5.2; some other machines cannot. Default true.
   */
  readonly extendedL2?: boolean | undefined
  /** Writes the zeros between the metadata too, which makes the file byte for byte that of qemu-img. Default false. */
  readonly dense?: boolean | undefined
}

export interface Overlay {
  readonly path: string
  readonly virtualSizeBytes: number
  /** A file that is longer has been written to by a guest. */
  readonly fileSizeBytes: number
}

/**
 * Creates the overlay `path`, readable by its owner only; on any error nothing is left at that path. A file that is
 * already there is never touched (system error EEXIST).
 *
 * @throws VmImageError SIZE_TOO_SMALL when `sizeBytes` is less than the base's size.
 * @throws VmImageError PATH_TOO_LONG when the base's path has more than 1023 bytes.
 * @throws VmImageError INVALID_REQUEST when the disk would be larger than the format can describe.
 * @throws VmImageError NO_SPACE when the overlay does not fit on its disk.
 * @example
 * createOverlay('/var/tmp/run/disk.qcow2', inspectImage('/images/base.qcow2'))
 */
export function createOverlay(path: string, base: OverlayBase, options: OverlayOptions = {}): Overlay {
  return prepareOverlay(base, options)(path)
}

/**
 * createOverlay() in two steps, for many overlays on one base: works out the bytes once, and returns what writes them
 * to a new file. It throws what createOverlay() does, of the base and the size at once, of the file when it is written.
 *
 * @example
 * const create = prepareOverlay(inspectImage('/images/base.qcow2'))
 * for (const name of ['a', 'b']) create(`/var/tmp/run/${name}.qcow2`)
 */
export function prepareOverlay(base: OverlayBase, options: OverlayOptions = {}): (path: string) => Overlay {
  const virtualSizeBytes = overlaySize(base, options.sizeBytes)
  const sparse = overlayLayout(base, virtualSizeBytes, options.extendedL2 ?? true)
  const layout = options.dense ? withoutHoles(sparse) : sparse
  return (path) => {
    writeNewFile(path, layout)
    return { path, virtualSizeBytes, fileSizeBytes: layout.lengthBytes }
  }
}

/** The bytes of a file as pieces; what lies between them reads as zeros. */
interface Layout {
  readonly lengthBytes: number
  readonly pieces: readonly { readonly offset: number; readonly bytes: Buffer }[]
}

const clusterBytes = 2 ** newHeader.clusterBits
const longestBackingName = 1023
/** The same in every overlay, and a third of the time that an overlay would take. */
const extensionsOver = {
  qcow2: serialiseExtensions([backingFormat('qcow2'), featureNames]),
  raw: serialiseExtensions([backingFormat('raw'), featureNames]),
} as const

function overlaySize(base: OverlayBase, sizeBytes = base.virtualSizeBytes): number {
  for (const size of [base.virtualSizeBytes, sizeBytes]) {
    if (!Number.isSafeInteger(size) || size <= 0) {
      throw new TypeError(`The size of a disk is a whole number of bytes above 0, not ${size}.`)
    }
  }
  if (sizeBytes < base.virtualSizeBytes) {
    throw new VmImageError(
      'SIZE_TOO_SMALL',
      `Cannot create an overlay of ${sizeBytes} bytes on "${base.path}": the base has ${base.virtualSizeBytes} bytes, ` +
        'and an overlay cannot be smaller.\nAsk for at least that size, or leave the size out.',
    )
  }
  // QEMU counts in sectors of 512 bytes, and would lose the rest.
  return Math.ceil(sizeBytes / 512) * 512
}

/** One cluster each for the header, the refcount table and its only block; then the L1 table, all zeros. */
function overlayLayout(base: OverlayBase, virtualSizeBytes: number, extendedL2: boolean): Layout {
  const l1Offset = 3 * clusterBytes
  const l1Entries = l1EntriesFor(base, virtualSizeBytes, extendedL2)
  const backingName = backingNameOf(base)
  const extensions = extensionsOver[base.format]
  const header: Qcow2Header = {
    ...newHeader,
    backingNameOffset: BigInt(newHeader.headerBytes + extensions.length),
    backingNameBytes: backingName.length,
    virtualSizeBytes: BigInt(virtualSizeBytes),
    l1Entries,
    l1Offset: BigInt(l1Offset),
    refcountTableOffset: BigInt(clusterBytes),
    refcountTableClusters: 1,
    incompatibleFeatures: extendedL2 ? incompatible.extendedL2 : 0n,
  }
  const refcountTable = Buffer.alloc(8)
  refcountTable.writeBigUInt64BE(BigInt(2 * clusterBytes))
  return {
    // The L1 table must lie inside the file: `qemu-img check` complains of one that does not.
    lengthBytes: l1Offset + 8 * l1Entries,
    pieces: [
      { offset: 0, bytes: Buffer.concat([serialiseHeader(header), extensions, backingName]) },
      { offset: clusterBytes, bytes: refcountTable },
      { offset: 2 * clusterBytes, bytes: refcountsOf(3 + Math.ceil((8 * l1Entries) / clusterBytes)) },
    ],
  }
}

/** How many L1 entries a disk needs: each stands for the disk space that one cluster of L2 entries describes. */
function l1EntriesFor(base: OverlayBase, virtualSizeBytes: number, extendedL2: boolean): number {
  const bytesPerL1Entry = clusterBytes * (clusterBytes / (extendedL2 ? 16 : 8))
  const entries = Math.ceil(virtualSizeBytes / bytesPerL1Entry)
  if (entries <= mostL1Entries) return entries
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot create an overlay of ${virtualSizeBytes} bytes on "${base.path}": the format ends at ` +
      `${mostL1Entries * bytesPerL1Entry} bytes.\nAsk for a smaller size.`,
  )
}

function backingNameOf(base: OverlayBase): Buffer {
  // QEMU takes a relative name from the overlay's directory, and reads a name only up to a NUL.
  if (!isAbsolute(base.path) || base.path.includes('\0')) {
    throw new TypeError(
      `The path of a base image is absolute and without NUL, not ${JSON.stringify(base.path)}.`,
    )
  }
  // With the `./` QEMU takes no colon in it for the end of a protocol.
  const name = Buffer.from(base.isBeside ? `./${basename(base.path)}` : base.path)
  if (name.length <= longestBackingName) return name
  throw new VmImageError(
    'PATH_TOO_LONG',
    `Cannot create an overlay on "${base.path}": the path has ${name.length} bytes, and a qcow2 header holds ` +
      `${longestBackingName}.\nMove the base to a shorter path; VMIMAGE_CACHE_DIR sets where bases are cached.`,
  )
}

/** A refcount of 1 for each of the first `clusters` clusters. */
function refcountsOf(clusters: number): Buffer {
  const bytes = Buffer.alloc(2 * clusters)
  for (let cluster = 0; cluster < clusters; cluster += 1) bytes[2 * cluster + 1] = 1
  return bytes
}

function withoutHoles({ lengthBytes, pieces }: Layout): Layout {
  const whole = Buffer.alloc(lengthBytes)
  for (const { offset, bytes } of pieces) bytes.copy(whole, offset)
  return { lengthBytes, pieces: [{ offset: 0, bytes: whole }] }
}

function writeNewFile(path: string, layout: Layout): void {
  try {
    const fd = openSync(path, 'wx', 0o600)
    try {
      writeAndClose(fd, layout)
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    }
  } catch (error) {
    throw isNoSpace(error) ? noSpace(path, error) : error
  }
}

function writeAndClose(fd: number, { lengthBytes, pieces }: Layout): void {
  try {
    // First: a file that grows with each write takes ext4 a twentieth longer.
    if (endOf(pieces) !== lengthBytes) ftruncateSync(fd, lengthBytes)
    for (const { offset, bytes } of pieces) writeFully(fd, bytes, offset)
  } finally {
    closeSync(fd)
  }
}

function endOf(pieces: Layout['pieces']): number {
  const last = pieces.at(-1)
  return last === undefined ? 0 : last.offset + last.bytes.length
}

/** A write may be short when the disk is nearly full; the next one then says why. */
function writeFully(fd: number, bytes: Buffer, offset: number): void {
  let written = 0
  while (written < bytes.length)
    written += writeSync(fd, bytes, written, bytes.length - written, offset + written)
}

/** The disk is full, the user's quota is, or a limit on the size of files is reached. */
export function isNoSpace(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(systemErrorCode(error) ?? '')
}

function noSpace(path: string, cause: unknown): VmImageError {
  return new VmImageError(
    'NO_SPACE',
    `Cannot create overlay "${path}": its disk (or a quota or limit on it) has no room for even an empty one.\n` +
      'Make room, or set VMIMAGE_OVERLAY_DIR to a directory on another disk.',
    { cause },
  )
}
