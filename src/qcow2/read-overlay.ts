/**
 * Opens an overlay for reading its own tables. A guest cannot write to them, but the file may be anything by the time
 * that somebody asks: it keeps every rule for base images, except those that no overlay keeps.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { VmImageError } from '../errors.js'
import { examineImage, type ImageReport } from './examine.js'
import { clusterBytes, hasFeature, incompatible, parseHeader } from './header.js'
import { mostHeadBytes } from './read-image.js'

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
const mostVirtualBytes = 2 ** 51

/**
 * What the file at `path` is, if it is a sound overlay. Nothing that it names is opened.
 *
 * @throws VmImageError FILE_NOT_FOUND, UNSUPPORTED_IMAGE when it is no qcow2 file, UNSAFE_IMAGE when it breaks a rule.
 */
export function examineOverlay(path: string): ImageReport {
  const report = examineImage(path, { maxVirtualSizeBytes: mostVirtualBytes })
  const broken = report.breaches.find(({ rule }) => !rulesForBases.has(rule.id))
  if (broken) {
    const { rule, found } = broken
    throw noOverlay(path, `${found} (rule ${rule.id}: ${rule.meaning})`, rule.code)
  }
  if (report.format !== 'qcow2') throw noOverlay(path, `it is ${report.format}`, 'UNSUPPORTED_IMAGE')
  return report
}

/** To be held with `using`, which closes it. Throws what examineOverlay() does. */
export function openOverlayFile(path: string): OverlayFile & Disposable {
  examineOverlay(path)
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    return { ...overlayFile(path, fd), [Symbol.dispose]: () => closeSync(fd) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function overlayFile(path: string, fd: number): OverlayFile {
  const read: OverlayFile['read'] = (offset, bytes) => {
    const buffer = Buffer.alloc(bytes)
    for (let filled = 0; filled < bytes;) {
      const count = readSync(fd, buffer, filled, bytes - filled, offset + filled)
      if (count === 0) throw noOverlay(path, `it ends before byte ${offset + bytes}, where a table goes on`)
      filled += count
    }
    return buffer
  }
  const { size, blocks } = fstatSync(fd)
  const header = parseHeader(read(0, Math.min(size, mostHeadBytes, 4096)))
  if (header === undefined) throw noOverlay(path, 'its header changed while it was read')
  return {
    clusterBytes: Number(clusterBytes(header)),
    virtualSizeBytes: Number(header.virtualSizeBytes),
    l1Offset: Number(header.l1Offset),
    l1Entries: header.l1Entries,
    hasExtendedL2: hasFeature(header, incompatible.extendedL2),
    hasZeroFlag: header.version === 3,
    allocatedBytes: blocks * 512,
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
