/**
 * Who has a disk open, for messages, and the rule that a disk in use is left alone. Loaded when somebody wants to
 * change a disk, or when one that is locked is deleted.
 */
import { constants, existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { VmImageError } from '../errors.js'
import { runQuietly } from '../program.js'
import { nodeAsFileName } from '../qcow2/block-node.js'
import { namesIn } from '../store/directory.js'
import { whenReadable } from '../store/readable.js'
import { isLockedByQemu, isLockedByQemuNow, lockTable } from './disk-locks.js'

/**
 * Does nothing while nobody has the disk at `path` open.
 *
 * @param action what is to be done, as the beginning of a sentence: `Cannot fork`.
 * @param table the kernel's table of locks; another for tests.
 * @throws VmImageError DISK_IN_USE; TOOL_MISSING where neither the system nor qemu-img can tell.
 */
export async function requireUnused(path: string, action: string, table = lockTable): Promise<void> {
  if (await isInUse(path, action, table)) throw diskInUse(path, action)
}

/** By the system's table alone: false where there is none. */
export function isOpenNow(path: string): boolean {
  return isLockedByQemuNow(path) === true
}

export function diskInUse(path: string, action: string): VmImageError {
  return new VmImageError(
    'DISK_IN_USE',
    `${action} "${path}": ${usersText(path)} has it open, and may write to it meanwhile.\n` +
      'Wait until it has ended; a machine ends in a way that the guest sees by powerdown.',
  )
}

/** `qemu-system-x86_64 (pid 123)`, of the processes that this user may look at; `a program` when none of them has it. */
export function usersText(path: string): string {
  const users = findUsers(path)
  return users.length === 0 ? 'a program' : users.join(', ')
}

/** `qemu-system-x86_64 (pid 123)`, of the processes that this user may look at. */
export function findUsers(path: string): readonly string[] {
  return [...new Set(descriptorsOf(path).map(({ pid }) => pid))].map((pid) => `${nameOf(pid)} (pid ${pid})`)
}

/** The processes that have the file open for writing, of those that this user may look at, by their numbers. */
export function findWriters(path: string): readonly string[] {
  const writing = descriptorsOf(path).filter(({ pid, fd }) => {
    // proc(5): the flags of open(2), in octal.
    const text = whenReadable(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))
    const flags = Number.parseInt(/^flags:\s+([0-7]+)$/m.exec(text ?? '')?.[1] ?? '0', 8)
    return (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0
  })
  return writing.map(({ pid }) => pid)
}

/** Where other processes have the file open. */
function descriptorsOf(path: string): readonly { readonly pid: string; readonly fd: string }[] {
  const disk = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (disk === undefined) return []
  return (whenReadable(() => namesIn('/proc')) ?? []).flatMap((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return []
    const directory = join('/proc', pid, 'fd')
    const isDisk = (fd: string) => {
      const open = whenReadable(() => statSync(join(directory, fd), { bigint: true, throwIfNoEntry: false }))
      return open !== undefined && open.ino === disk.ino && open.dev === disk.dev
    }
    return (whenReadable(() => namesIn(directory)) ?? []).filter(isDisk).map((fd) => ({ pid, fd }))
  })
}

function nameOf(pid: string): string {
  const [program = ''] = (whenReadable(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').split('\0')
  return basename(program) || 'a program'
}

const patienceMs = 30_000

async function isInUse(path: string, action: string, table: string): Promise<boolean> {
  if (!existsSync(path)) return false
  return (await isLockedByQemu(path, table)) ?? (await isRefusedToQemu(path, action))
}

/** Where the system does not tell, QEMU's own tool tries the lock. It opens nothing below the disk. */
async function isRefusedToQemu(path: string, action: string): Promise<boolean> {
  const node = { driver: 'qcow2', file: { driver: 'file', filename: path }, backing: null } as const
  try {
    await runQuietly('qemu-img', ['info', nodeAsFileName(node)], { signal: AbortSignal.timeout(patienceMs) })
    return false
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    if (error.code === 'TOOL_FAILED' && /Failed to get .*lock/.test(error.message)) return true
    throw new VmImageError(
      error.code,
      `${action} "${path}": whether a machine has it open cannot be told here without qemu-img.\n${error.message}`,
      { cause: error },
    )
  }
}
