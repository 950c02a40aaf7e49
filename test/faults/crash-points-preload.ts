/**
 * For `node --import`: ends this process with SIGKILL at one operation on the file system, or counts them all.
 *
 *     CRASH_ROOTS  directories with `:` between; only what touches them counts
 *     CRASH_AT     the number of the operation, from 1; 0 for none
 *     CRASH_SIDE   before | torn | after it; torn: a write has written the half
 *     CRASH_LOG    where the list of all operations is written when the process ends by itself
 *
 * What changes something counts, and so does opening for it. What Node does in several system calls (writing a file,
 * removing a tree) is done here in as many operations, because a process can die between any two of them.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join, resolve } from 'node:path'

type Callable = (this: unknown, ...args: unknown[]) => unknown
type Table = Record<string, Callable>
type PathsOf = (args: readonly unknown[], self: unknown) => readonly string[]
type Side = 'before' | 'torn' | 'after'

const roots = (process.env['CRASH_ROOTS'] ?? '').split(':')
const crashAt = Number(process.env['CRASH_AT'] ?? 0)
const crashSide = process.env['CRASH_SIDE'] as Side | undefined
const original = { ...fs, promises: { ...fs.promises } }
const descriptors = new Map<number, string>()
const operations: string[] = []

// One table of functions, whatever their signatures are: they are only passed through.
const sync = fs as unknown as Table
const promised = fs.promises as unknown as Table

/** Counts one operation; returns how far it is to come. */
function begin(kind: string, paths: readonly string[]): 'whole' | 'torn' | 'last' {
  operations.push(`${kind} ${paths.join(' -> ')}`)
  if (operations.length !== crashAt) return 'whole'
  if (crashSide === 'before') die()
  return crashSide === 'torn' && kind === 'write' ? 'torn' : 'last'
}

/** A signal to oneself arrives before kill(2) returns. */
function die(): never {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('unreachable')
}

function watched(paths: readonly string[]): boolean {
  return paths.some((path) => roots.some((root) => path === root || path.startsWith(`${root}/`)))
}

const first: PathsOf = ([path]) => [textOf(path)]
const second: PathsOf = ([, path]) => [textOf(path)]
const both: PathsOf = ([from, to]) => [textOf(from), textOf(to)]
const opened: PathsOf = ([path, flags]) => (isForWriting(flags) ? [textOf(path)] : [])
const descriptor: PathsOf = ([fd]) => [descriptors.get(Number(fd)) ?? '']
const handle: PathsOf = (_, self) => [descriptors.get((self as fs.promises.FileHandle).fd) ?? '']

function textOf(path: unknown): string {
  return typeof path === 'string' ? resolve(path) : path instanceof URL ? path.pathname : ''
}

/** Half of what a write was to write, in the same form. */
function half(args: unknown[], at: number): unknown[] {
  const [data, offset = 0, length] = args.slice(at)
  if (typeof data === 'string') return args.with(at, data.slice(0, data.length / 2))
  if (Array.isArray(data)) {
    const all = Buffer.concat(data as Buffer[]) // writev takes buffers only
    return args.with(at, [all.subarray(0, all.length / 2)])
  }
  const bytes = data as Buffer
  const count = typeof length === 'number' ? length : bytes.length - Number(offset)
  return args.with(at + 2, Math.floor(count / 2)).with(at + 1, Number(offset))
}

function wrapSync(table: Table, name: string, kind: string, pathsOf: PathsOf): void {
  const plain = table[name] as Callable
  table[name] = function (...args) {
    const paths = pathsOf(args, this)
    if (!watched(paths)) return plain.apply(this, args)
    const end = begin(kind, paths)
    try {
      return plain.apply(this, end === 'torn' ? half(args, 1) : args)
    } finally {
      if (end !== 'whole') die()
    }
  }
}

function wrapCallback(table: Table, name: string, kind: string, pathsOf: PathsOf): void {
  const plain = table[name] as Callable
  table[name] = function (...args) {
    const paths = pathsOf(args, this)
    if (!watched(paths)) return plain.apply(this, args)
    const end = begin(kind, paths)
    const done = args.at(-1) as Callable
    const told: Callable = (...results) => (end === 'whole' ? done(...results) : die())
    return plain.apply(this, [...(end === 'torn' ? half(args, 1) : args).slice(0, -1), told])
  }
}

function wrapPromise(table: Table, name: string, kind: string, pathsOf: PathsOf, dataAt: number): void {
  const plain = table[name] as Callable
  table[name] = async function (...args) {
    const paths = pathsOf(args, this)
    if (!watched(paths)) return plain.apply(this, args)
    const end = begin(kind, paths)
    try {
      return await plain.apply(this, end === 'torn' ? half(args, dataAt) : args)
    } finally {
      if (end !== 'whole') die()
    }
  }
}

/** Remembers which file a descriptor is; opening counts where it creates or is for writing. */
function wrapOpen(): void {
  const { open, openSync } = original
  const openHandle = original.promises.open
  Object.assign(fs, {
    openSync: (path: string, ...rest: [string]) => {
      const fd = openSync(path, ...rest)
      descriptors.set(fd, textOf(path))
      return fd
    },
    open: (path: string, ...rest: [string, number, (error: unknown, fd: number) => void]) => {
      const done = rest.pop() as (error: unknown, fd: number) => void // as fs.open() wants it
      open(path, ...(rest as unknown as [string, number]), (error, fd) => {
        if (error === null) descriptors.set(fd, textOf(path))
        done(error, fd)
      })
    },
  })
  Object.assign(fs.promises, {
    open: async (path: string, ...rest: [string]) => {
      const file = await openHandle(path, ...rest)
      descriptors.set(file.fd, textOf(path))
      return file
    },
  })
  wrapSync(sync, 'openSync', 'open', opened)
  wrapCallback(sync, 'open', 'open', opened)
  wrapPromise(promised, 'open', 'open', opened, 0)
}

function isForWriting(flags: unknown): boolean {
  return typeof flags === 'number'
    ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0
    : typeof flags === 'string' && flags !== 'r'
}

const byPath = [
  ['mkdir', first],
  ['rmdir', first],
  ['unlink', first],
  ['chmod', first],
  ['utimes', first],
  ['truncate', first],
  ['copyFile', second],
  ['rename', both],
  ['link', both],
  ['symlink', second],
] as const

const byDescriptor = [
  ['write', 'write'],
  ['writev', 'write'],
  ['fsync', 'fsync'],
  ['fdatasync', 'fsync'],
  ['ftruncate', 'truncate'],
  ['fchmod', 'chmod'],
] as const

const byHandle = [
  ['write', 'write'],
  ['writev', 'write'],
  ['sync', 'fsync'],
  ['datasync', 'fsync'],
  ['truncate', 'truncate'],
  ['chmod', 'chmod'],
] as const

interface WriteOptions {
  readonly flag?: string
  readonly mode?: number
  readonly flush?: boolean
}

function writeFile(file: string | number, data: string | Uint8Array, options: WriteOptions = {}): void {
  if (typeof file === 'number') return writeData(file, data)
  const fd = fs.openSync(file, options.flag ?? 'w', options.mode ?? 0o666)
  try {
    writeData(fd, data)
    if (options.flush) fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

function writeData(fd: number, data: string | Uint8Array): void {
  if (typeof data === 'string') fs.writeSync(fd, data)
  else fs.writeSync(fd, data, 0, data.length)
}

function removeTree(path: string): void {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return fs.unlinkSync(path)
  for (const name of fs.readdirSync(path)) removeTree(join(path, name))
  fs.rmdirSync(path)
}

/** `rm()` without `force` fails where nothing is, and the package means that. */
function remove(path: string, options: fs.RmOptions = {}): void {
  if (!watched([textOf(path)])) return original.rmSync(path, options)
  if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return original.rmSync(path, options)
  if (options.recursive) removeTree(path)
  else fs.unlinkSync(path)
}

wrapOpen()
for (const [name, paths] of byPath) {
  wrapSync(sync, `${name}Sync`, name, paths)
  wrapCallback(sync, name, name, paths)
  wrapPromise(promised, name, name, paths, 0)
}
for (const [name, kind] of byDescriptor) {
  wrapSync(sync, `${name}Sync`, kind, descriptor)
  wrapCallback(sync, name, kind, descriptor)
}
const probe = await original.promises.open('/dev/null')
const handles = Object.getPrototypeOf(probe) as Table // of class FileHandle, which Node does not export
await probe.close()
for (const [name, kind] of byHandle) wrapPromise(handles, name, kind, handle, 0)
Object.assign(fs, { writeFileSync: writeFile, rmSync: remove })
Object.assign(fs.promises, {
  writeFile: async (...args: Parameters<typeof writeFile>) => writeFile(...args),
  rm: async (...args: Parameters<typeof remove>) => remove(...args),
})
syncBuiltinESMExports()

process.on('exit', () => {
  const log = process.env['CRASH_LOG']
  if (log === undefined) return
  original.mkdirSync(dirname(log), { recursive: true })
  original.writeFileSync(log, JSON.stringify(operations))
})
