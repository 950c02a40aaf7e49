/**
 * Reads of an image file what the rules need to see, and no more: at most 2 MiB in all, and nothing at a place that
 * is not inside the file, whatever the file says of itself. Runs no program and follows no link.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { systemErrorCode, VmImageError } from '../errors.js'
import { unreadable } from '../file-trouble.js'

/** How much of a qcow2 file's first cluster is read; a larger header is refused (rules Q11-header, Q12-length). */
export const mostHeadBytes = 1_048_576

/** An open image file. */
export interface ImageFile {
  readonly fd: number
  readonly isRegular: boolean
  readonly fileSizeBytes: number
  /** What the disk gives to the file. */
  readonly allocatedBytes: number
  /** The bytes from `offset` on, fewer where the file ends before, and none from outside it or beyond the 2 MiB. */
  readonly read: (offset: bigint | number, bytes: bigint | number) => Buffer
}

const mostBytes = 2_097_152

/**
 * Opens the file at `path`, to be held with `using`, which closes it; or says in one word what cannot be opened.
 *
 * @throws VmImageError FILE_NOT_FOUND, FILE_UNREADABLE.
 */
export function openImageFile(path: string): (ImageFile & Disposable) | 'link' | 'socket' {
  const fd = openForReading(path)
  if (typeof fd === 'string') return fd
  const { size, blocks, isRegular } = measure(path, fd)
  let leftBytes = mostBytes
  const read: ImageFile['read'] = (offset, bytes) => {
    // Beyond all numbers or negative: nothing there.
    if (offset < 0 || offset >= size) return Buffer.alloc(0)
    const start = Number(offset)
    const wanted = Math.min(Number(bytes), size - start, leftBytes)
    leftBytes -= wanted
    return readAt(fd, start, wanted)
  }
  return {
    fd,
    isRegular,
    fileSizeBytes: size,
    allocatedBytes: blocks * 512,
    read,
    [Symbol.dispose]: () => closeSync(fd),
  }
}

function measure(path: string, fd: number) {
  try {
    const stat = fstatSync(fd)
    return { size: stat.size, blocks: stat.blocks, isRegular: stat.isFile() }
  } catch (error) {
    closeSync(fd)
    throw unreadable('inspect', path, error)
  }
}

function openForReading(path: string): number | 'link' | 'socket' {
  try {
    // Without O_NONBLOCK the opening of a pipe waits for somebody to write.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ELOOP') return 'link'
    if (code === 'ENXIO') return 'socket'
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreadable('inspect', path, error)
    throw new VmImageError(
      'FILE_NOT_FOUND',
      `Cannot inspect "${path}": there is no such file.\nCheck the spelling; a relative path starts at ${process.cwd()}.`,
      { cause: error },
    )
  }
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const count = readSync(fd, bytes, filled, length - filled, position + filled)
    // The file was cut after it was measured.
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}
