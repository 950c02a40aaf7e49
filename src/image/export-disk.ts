/**
 * export: a disk with all that is below it as one file, in the formats that other hypervisors read; by qemu-img. It is
 * told the whole chain, and an overlay that names a data file is refused before.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { systemErrorCode, VmImageError } from '../errors.js'
import { isDiskFull } from '../disk-full.js'
import { unwritable } from '../file-trouble.js'
import { runQuietly } from '../program.js'
import { blockNode, type DiskChain, nodeAsFileName } from '../qcow2/block-node.js'
import { examineOverlay } from '../qcow2/read-overlay.js'
import { namesIn } from '../store/directory.js'
import { isProvablyDead, newOwner, parseOwner } from '../store/owner.js'
import { whenReadable } from '../store/readable.js'
import { removeTree } from '../store/remove-tree.js'
import { isOfAnother, isOpenToAll } from '../store/root.js'
import { requireUnused } from './disk-users.js'
import { isWithoutLinks } from './link-or-copy.js'

/** Each with what qemu-img has to be told for it. `vpc` is Microsoft's VHD, whose size would be rounded without a word. */
const formats = {
  qcow2: [],
  raw: [],
  vmdk: [],
  vdi: [],
  vhdx: [],
  vpc: ['-o', 'force_size=on'],
} as const satisfies Record<string, readonly string[]>

export type ExportFormat = keyof typeof formats

export const exportFormats = Object.keys(formats) as readonly ExportFormat[] // the keys of our own table

/** The formats that hold compressed data, and how. */
const compressed: Partial<Record<ExportFormat, readonly string[]>> = {
  qcow2: ['-c'],
  vmdk: ['-c', '-o', 'subformat=streamOptimized'],
}

export interface ExportOptions {
  /** Default `'qcow2'`. */
  readonly format?: ExportFormat | undefined
  /** True: compressed data, which only qcow2 and vmdk have. Default false. */
  readonly compress?: boolean | undefined
  /** Ends qemu-img, and leaves nothing. Default: nobody does. */
  readonly signal?: AbortSignal | undefined
  /** Is told how much is done, from 0 to 100. Default: nobody is told. */
  readonly onProgress?: ((percent: number) => void) | undefined
}

/** VmImage.exportTo(), of any chain. The new file is its owner's only (0600), as the disk is. */
export async function exportDisk(chain: DiskChain, path: string, options: ExportOptions = {}): Promise<void> {
  checkOptions(path, options)
  const args = argumentsFor(options)
  const target = resolve(path)
  if (isThere(target)) throw fileExists(chain, target)
  if (!existsSync(chain.path)) throw noDisk(chain, target)
  // A frozen disk is read by its forks' machines, and written by none.
  if ((statSync(chain.path).mode & 0o222) !== 0) await requireUnused(chain.path, 'Cannot export')
  // QEMU is told the chain, but would still open a data file that one of these names.
  for (const overlay of [chain.path, ...chain.parents]) examineOverlay(overlay)
  const { signal = new AbortController().signal, onProgress } = options
  const directory = makeDraftDirectory(target)
  try {
    // Under its own name: a vmdk file holds that.
    const draft = join(directory, basename(target))
    const command = ['convert', '-p', ...args, nodeAsFileName(blockNode(chain)), draft]
    const onOutput = (text: string) => {
      for (const [, percent] of text.matchAll(/\(([\d.]+)\/100%\)/g)) onProgress?.(Number(percent))
    }
    await runQuietly('qemu-img', command, { signal, onOutput }).catch((error: unknown) => {
      throw explained(error, target)
    })
    // As private as the disk.
    chmodSync(draft, 0o600)
    flush(draft)
    publish(draft, target, chain)
    flush(dirname(target))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function argumentsFor({ format = 'qcow2', compress = false }: ExportOptions): readonly string[] {
  if (!Object.hasOwn(formats, format)) {
    throw new VmImageError(
      'INVALID_REQUEST',
      `Cannot export as "${format}": that is none of ${exportFormats.join(', ')}.\nAsk for one of them.`,
    )
  }
  if (!compress) return ['-O', format, ...formats[format]]
  const extra = compressed[format]
  if (extra) return ['-O', format, ...extra]
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot export as compressed ${format}: only ${Object.keys(compressed).join(' and ')} can hold compressed data.\n` +
      'Leave "compress" out, or pack the file afterwards.',
  )
}

const draftPrefix = '.vmimage-export-'

/** Beside the target, so that the last step is one link. Those of processes that were killed go first: they may be large. */
function makeDraftDirectory(target: string): string {
  const parent = dirname(target)
  try {
    whenReadable(() => removeDeadDrafts(parent))
    const directory = join(parent, `${draftPrefix}${newOwner()}`)
    mkdirSync(directory, { mode: 0o700 })
    return directory
  } catch (error) {
    if (isDiskFull(error)) throw noSpace(target, error)
    throw unwritable('export to', target, error)
  }
}

/** Only what nobody else can have put there, or can put something else in the place of while it is emptied. */
function removeDeadDrafts(parent: string): void {
  if (isOfAnother(statSync(parent)) || isOpenToAll(statSync(parent))) return
  for (const name of namesIn(parent)) {
    const owner = name.startsWith(draftPrefix) ? parseOwner(name.slice(draftPrefix.length)) : undefined
    if (!owner || !isProvablyDead(owner)) continue
    const { uid } = lstatSync(join(parent, name))
    if (uid === process.getuid?.()) whenReadable(() => removeTree(join(parent, name)))
  }
}

function flush(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * A link, unlike a rename, never takes the place of a file that somebody made meanwhile. Where there are no links, an
 * empty file of ours does first, and is the one that the rename replaces.
 */
function publish(draft: string, target: string, chain: DiskChain): void {
  try {
    if (!isLinked(draft, target)) {
      closeSync(openSync(target, 'wx', 0o600))
      renameSync(draft, target)
    }
  } catch (error) {
    throw systemErrorCode(error) === 'EEXIST'
      ? fileExists(chain, target, error)
      : unwritable('export to', target, error)
  }
}

function isLinked(draft: string, target: string): boolean {
  try {
    linkSync(draft, target)
    return true
  } catch (error) {
    if (!isWithoutLinks(error)) throw error
    return false
  }
}

function isThere(target: string): boolean {
  try {
    return lstatSync(target, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    throw unwritable('export to', target, error)
  }
}

const optionNames: readonly string[] = [
  'format',
  'compress',
  'signal',
  'onProgress',
] satisfies (keyof ExportOptions)[]

/** @throws TypeError: what means nothing would give another file than was wanted. */
function checkOptions(path: unknown, options: unknown): void {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new TypeError(`The path of an exported disk is a text without NUL, not ${JSON.stringify(path)}.`)
  }
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`The options of exportTo() are a record, not ${JSON.stringify(options)}.`)
  }
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name))
  if (unknown !== undefined) {
    throw new TypeError(`exportTo() has no option "${unknown}". Known: ${optionNames.join(', ')}.`)
  }
  const { compress, onProgress }: { readonly compress?: unknown; readonly onProgress?: unknown } = options
  if (!['undefined', 'boolean'].includes(typeof compress)) {
    throw new TypeError(`The option compress is ${JSON.stringify(compress)}, expected true or false.`)
  }
  if (!['undefined', 'function'].includes(typeof onProgress)) {
    throw new TypeError('The option onProgress is no function.')
  }
}

function fileExists(chain: DiskChain, target: string, cause?: unknown): VmImageError {
  return new VmImageError(
    'FILE_EXISTS',
    `Cannot export "${chain.path}" to "${target}": there is something of that name already, and it is never overwritten.\n` +
      'Name a new file, or remove that first.',
    { cause },
  )
}

function noDisk(chain: DiskChain, target: string): VmImageError {
  return new VmImageError(
    'DISK_GONE',
    `Cannot export "${chain.path}" to "${target}": the disk is gone.\nExport it before its test ends.`,
  )
}

function explained(error: unknown, target: string): unknown {
  if (!(error instanceof VmImageError) || !/No space left|Disk quota exceeded/.test(error.message))
    return error
  return noSpace(target, error)
}

function noSpace(target: string, cause: unknown): VmImageError {
  return new VmImageError(
    'NO_SPACE',
    `Cannot write "${target}": its disk, or a quota on it, has no room for the whole disk.\n` +
      'Make room, or name a file on another disk; "compress" takes less.',
    { cause },
  )
}
