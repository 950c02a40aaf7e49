/** What a directory is on: kind of file system, room, and whether it gives hard links, which is tried and not believed. */
import { linkSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemErrorCode } from '../errors.js'

export interface FileSystemFacts {
  /** The directory that was looked at: the one that was asked for, or the nearest above it that exists. */
  readonly directory: string
  /** `ext4`, `tmpfs`, `nfs`, ... or its number in hex. */
  readonly kind: string
  readonly device: number
  readonly freeBytes: number
  /** Error code of making a file there; undefined: it can be done. */
  readonly writeError: string | undefined
  /** Error code of linking one; undefined: it can be done, or could not be tried. */
  readonly linkError: string | undefined
}

/** Numbers of statfs(2) and linux/magic.h. */
const kinds: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x858458f6: 'ramfs',
  0x794c7630: 'overlayfs',
  0x6969: 'nfs',
  0xff534d42: 'cifs',
  0xfe534d42: 'smb2',
  0x01021997: '9p',
  0x65735546: 'fuse',
  0x2fc12fc1: 'zfs',
  0x4d44: 'vfat',
  0x2011bab0: 'exfat',
}

/** Looks at a directory, or at the nearest above it. Leaves nothing behind. */
export function lookAtFileSystem(path: string): FileSystemFacts {
  const directory = nearest(path)
  const { type, bavail, bsize } = statfsSync(directory)
  const number = type >>> 0
  return {
    directory,
    kind: kinds[number] ?? `0x${number.toString(16)}`,
    device: statSync(directory).dev,
    freeBytes: bavail * bsize,
    ...tryWriting(directory),
  }
}

function nearest(path: string): string {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  return isDirectory || dirname(path) === path ? path : nearest(dirname(path))
}

/** From one directory to another, as leases are made. */
function tryWriting(directory: string): Pick<FileSystemFacts, 'writeError' | 'linkError'> {
  let scratch: string | undefined
  try {
    scratch = mkdtempSync(join(directory, '.vmimage-doctor-'))
    for (const name of ['images', 'run']) mkdirSync(join(scratch, name))
    writeFileSync(join(scratch, 'images', 'disk'), 'x', { mode: 0o444 })
    return { writeError: undefined, linkError: tryLinking(scratch) }
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    return { writeError: code, linkError: undefined }
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true })
  }
}

function tryLinking(scratch: string): string | undefined {
  try {
    linkSync(join(scratch, 'images', 'disk'), join(scratch, 'run', 'disk'))
    return undefined
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    return code
  }
}
