/**
 * Whether a program of QEMU's has a disk open, by one look at the kernel's table of locks (docs/qcow2.md, "Locks"). It
 * is asked at the end of every test that has written to its disk, so it imports nothing; disk-users.ts knows who it is.
 */
import { closeSync, constants, openSync, readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { systemErrorCode } from '../errors.js'

/** The kernel's. */
export const lockTable = '/proc/locks'

/** QEMU locks bytes 100 to 103 for what it does itself, and from 200 on for what others may not. */
const firstLocked = 100
const lastLocked = 299

/**
 * The kernel waits until all its processors have seen that somebody reads the table, which takes 5 to 10 ms (Linux
 * 6.18): what need not be sure of the very moment asks in a thread.
 *
 * @returns undefined where the system has no such table (it is not Linux); false where there is no such file.
 */
export async function isLockedByQemu(path: string, table = lockTable): Promise<boolean | undefined> {
  try {
    return isLockedIn(await readFile(table, 'latin1'), path)
  } catch (error) {
    return unlessUnreadable(error)
  }
}

/** The same, and nothing else of this process happens meanwhile. */
export function isLockedByQemuNow(path: string, table = lockTable): boolean | undefined {
  try {
    return isLockedIn(readFileSync(table, 'latin1'), path)
  } catch (error) {
    return unlessUnreadable(error)
  }
}

function unlessUnreadable(error: unknown): undefined {
  if (systemErrorCode(error) === undefined) throw error
  return undefined
}

function isLockedIn(text: string, path: string): boolean {
  const inode = statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
  if (inode === undefined || !text.includes(`:${inode} `)) return false
  // 12: OFDLCK ADVISORY  READ -1 fe:00:4587523 100 101
  const locks = [...text.matchAll(new RegExp(String.raw` ([\da-f]+:[\da-f]+):${inode} (\d+) `, 'g'))]
  const ofQemu = locks.filter(([, , start]) => Number(start) >= firstLocked && Number(start) <= lastLocked)
  if (ofQemu.length === 0) return false
  const device = deviceInTable(path)
  return device === undefined || ofQemu.some(([, found]) => found === device)
}

/**
 * How the table names the file system of the file at `path`: `fe:00`, major and minor number of its device in hex. By
 * its mount (proc(5), mountinfo and fdinfo), as stat() tells another number on btrfs and overlayfs.
 *
 * @returns undefined where that cannot be told; then the inode has to do.
 */
export function deviceInTable(path: string): string | undefined {
  try {
    const mount = /^mnt_id:\s+(\d+)$/m.exec(readFdInfo(path))?.[1]
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    const line = new RegExp(String.raw`^${mount} \d+ (\d+):(\d+) `, 'm')
    const [, major, minor] = line.exec(readFileSync('/proc/self/mountinfo', 'latin1')) ?? []
    if (major === undefined || minor === undefined) return undefined
    return [major, minor].map((number) => Number(number).toString(16).padStart(2, '0')).join(':')
  } catch (error) {
    return unlessUnreadable(error)
  }
}

function readFdInfo(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')
  } finally {
    closeSync(fd)
  }
}
