/**
 * Opens an overlay for reading its own tables. A guest cannot write to them, but the file may be anything by the time
 * that somebody asks: it keeps every rule for base images, except those that no overlay keeps.
 */
import { readSync } from 'node:fs'
import { VmImageError } from '../errors.js'
import { examineFile, examineImage, type ImageReport } from './examine.js'
import { clusterBytes, hasFeature, incompatible, parseHeader } from './header.js'
import { type ImageFile, openImageFile } from './read-image.js'

/** An open overlay. */
export interface OverlayFile {
  readonly clusterBytes: number
  readonly virtualSizeBytes: number
  readonly l1Offset: number
  readonly l1Entries: number
  readonly hasExtendedL2: boolean
  /** Of version 3: what reads as zeros can be written down as that. */
  readonly hasZeroFlag: boolean
  /** What the disk gives to the file. */
  readonly allocatedBytes: number
  /** The bytes from `offset` on; UNSAFE_IMAGE where they are not in the file. */
  readonly read: (offset: number, bytes: number) => Buffer
}

/**
 * An overlay names a backing file, may have snapshots, and is dirty when its machine was killed with lazy refcounts; and its
 * last bytes are its guest's.
 */
const rulesForBases = new Set(['Q2', 'Q8', 'Q9-dirty', 'Q13-disk'])
/** The format's own limit is 2 PiB of 64 KiB clusters; ours keeps every offset a number. */
const limits = { maxVirtualSizeBytes: 2 ** 51 } as const

export interface OverlayExamination {
  /** True: it may bear QEMU's mark that its tables are damaged, of which nothing but its header is believed. Default false. */
  readonly mayBeCorrupt?: boolean | undefined
}

/**
 * What the file at `path` is, if it is a sound overlay. Nothing that it names is opened.
 *
 * @throws VmImageError FILE_NOT_FOUND, FILE_UNREADABLE, UNSUPPORTED_IMAGE when it is no qcow2 file, UNSAFE_IMAGE when it
 * breaks a rule.
 */
export function examineOverlay(path: string, { mayBeCorrupt }: OverlayExamination = {}): ImageReport {
  return requireSound(path, examineImage(path, limits), mayBeCorrupt ? ['Q9-corrupt'] : [])
}

function requireSound(path: string, report: ImageReport, forgiven: readonly string[] = []): ImageReport {
  const isForgiven = (id: string) => rulesForBases.has(id) || forgiven.includes(id)
  const broken = report.breaches.find(({ rule }) => !isForgiven(rule.id))
  if (broken) {
    const { rule, found } = broken
    throw noOverlay(path, `${found} (rule ${rule.id}: ${rule.meaning})`, rule.code)
  }
  if (report.format !== 'qcow2') throw noOverlay(path, `it is ${report.format}`, 'UNSUPPORTED_IMAGE')
  return report
}

/** To be held with `using`, which closes it. What is read is the file that was examined. Throws what examineOverlay() does. */
export function openOverlayFile(path: string): OverlayFile & Disposable {
  const file = openImageFile(path)
  try {
    requireSound(path, examineFile(path, file, limits))
    if (typeof file === 'string') throw noOverlay(path, `it is a ${file}`)
    return { ...overlayFile(path, file), [Symbol.dispose]: file[Symbol.dispose] }
  } catch (error) {
    if (typeof file !== 'string') file[Symbol.dispose]()
    throw error
  }
}

function overlayFile(path: string, { fd, fileSizeBytes, allocatedBytes }: ImageFile): OverlayFile {
  const read: OverlayFile['read'] = (offset, bytes) => {
    const buffer = Buffer.alloc(bytes)
    for (let filled = 0; filled < bytes;) {
      const count = readSync(fd, buffer, filled, bytes - filled, offset + filled)
      if (count === 0) throw noOverlay(path, `it ends before byte ${offset + bytes}, where a table goes on`)
      filled += count
    }
    return buffer
  }
  const header = parseHeader(read(0, Math.min(fileSizeBytes, 4096)))
  if (header === undefined) throw noOverlay(path, 'its header changed while it was read')
  return {
    clusterBytes: Number(clusterBytes(header)),
    virtualSizeBytes: Number(header.virtualSizeBytes),
    l1Offset: Number(header.l1Offset),
    l1Entries: header.l1Entries,
    hasExtendedL2: hasFeature(header, incompatible.extendedL2),
    hasZeroFlag: header.version === 3,
    allocatedBytes,
    read,
  }
}

export function noOverlay(
  path: string,
  found: string,
  code: 'UNSAFE_IMAGE' | 'UNSUPPORTED_IMAGE' = 'UNSAFE_IMAGE',
): VmImageError {
  return new VmImageError(
    code,
    `Cannot read "${path}" as an overlay: ${found}.\n` +
      'If a machine has it open, look again when it has ended; otherwise "qemu-img check" says more of the damage.',
  )
}
