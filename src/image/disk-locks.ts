/**
 * Whether a program of QEMU's has a disk open, by one look at the kernel's table of locks (docs/qcow2.md, "Locks"). It
 * is asked at the end of every test, so it costs one read and imports nothing; disk-users.ts knows who it is.
 */
import { readFileSync } from 'node:fs'
import { systemErrorCode } from '../errors.js'

/** The kernel's. */
export const lockTable = '/proc/locks'

/** QEMU locks bytes 100 to 103 for what it does itself, and from 200 on for what others may not. */
const firstLocked = 100
const lastLocked = 299

/**
 * Undefined where the system has no such table (it is not Linux). By the number of the inode alone: the number of the
 * device is on btrfs and overlayfs another one than stat() tells.
 */
export function isLockedByQemu(inode: bigint, table = lockTable): boolean | undefined {
  const text = readTable(table)
  if (text === undefined || !text.includes(`:${inode} `)) return text === undefined ? undefined : false
  // 12: OFDLCK ADVISORY  READ -1 fe:00:4587523 100 101
  const starts = [...text.matchAll(new RegExp(String.raw`:${inode} (\d+) `, 'g'))].map(([, start]) =>
    Number(start),
  )
  return starts.some((start) => start >= firstLocked && start <= lastLocked)
}

function readTable(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return undefined
  }
}
