/**
 * An overlay that keeps its data in another file, of which none is ours: QEMU opens the file that it names, and writes
 * to it, also where it is told the whole chain. One read, as it is asked whenever a disk is launched.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { VmImageError } from '../errors.js'
import { unreadable } from '../file-trouble.js'
import { hasFeature, incompatible, parseHeader } from './header.js'

/** More than any header has that we know. */
const mostBytes = 512

/**
 * @throws VmImageError FILE_UNREADABLE; UNSAFE_IMAGE when the qcow2 file at `path` keeps its data elsewhere, or is no qcow2 file any more.
 */
export function refuseDataFile(path: string): void {
  const header = parseHeader(readHead(path))
  if (header !== undefined && !hasFeature(header, incompatible.externalDataFile)) return
  const found =
    header === undefined
      ? 'it is no qcow2 file any more'
      : 'it names another file for its data (rule Q9-data-file)'
  throw new VmImageError(
    'UNSAFE_IMAGE',
    `Cannot use disk "${path}": ${found}, and vmimage has not made it so.\nFind out who did; then prepare the disk anew.`,
  )
}

function readHead(path: string): Buffer {
  const fd = openForReading(path)
  try {
    const bytes = Buffer.alloc(mostBytes)
    return bytes.subarray(0, readSync(fd, bytes, 0, mostBytes, 0))
  } finally {
    closeSync(fd)
  }
}

function openForReading(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    throw unreadable('use disk', path, error)
  }
}
