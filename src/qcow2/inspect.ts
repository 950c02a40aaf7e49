/**
 * Looks at an image file: which format it is in, by its bytes and not by its name, how large its disk is, and whether
 * it keeps the rules for base images. Reads at most 2 MiB and the last 512 bytes, and runs no program.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { systemErrorCode, VmImageError } from '../errors.js'
import { findForeignFormat } from './foreign-formats.js'
import { fileRules } from './gate.js'
import { parseHeader, qcow2Magic } from './header.js'
import { findOddPartitionTable } from './partition-table.js'
import { qcow2Rules, ruleOfHeader } from './qcow2-rules.js'
import { refusal } from './rule.js'

type DiskFormat = 'qcow2' | 'raw'

export interface InspectOptions {
  /** What the file is said to be; anything else in its bytes is refused. Default: whichever of the two it is. */
  readonly declaredFormat?: DiskFormat | undefined
  /** The largest disk that a qcow2 file may describe. Default 4 TiB. */
  readonly maxVirtualSizeBytes?: number | undefined
}

/** An image that may be a base. */
export interface DiskImage {
  /** As it was given. */
  readonly path: string
  readonly format: DiskFormat
  /** Size of the disk that a guest sees; a multiple of 512. */
  readonly virtualSizeBytes: number
  readonly fileSizeBytes: number
  /** Whole sentences about what is odd, though legal. */
  readonly warnings: readonly string[]
}

const mostHeadBytes = 2_097_152
const sectorBytes = 512

/**
 * Inspects the file at `path`; links are not followed.
 *
 * @throws VmImageError FILE_NOT_FOUND when there is none.
 * @throws VmImageError UNSAFE_IMAGE or UNSUPPORTED_IMAGE when it breaks a rule; the message names the rule.
 */
export function inspectImage(path: string, options: InspectOptions = {}): DiskImage {
  const ends = readEnds(path)
  const { fileSizeBytes, head, tail } = ends
  const isQcow2 = head.length >= 4 && head.readUInt32BE(0) === qcow2Magic
  const foreign = isQcow2 ? undefined : findForeignFormat(head, tail)
  if (foreign) {
    throw refusal(path, fileRules.W2, `it is a ${foreign.name}`, foreign.cure)
  }
  const format = isQcow2 ? 'qcow2' : 'raw'
  if (options.declaredFormat && options.declaredFormat !== format) {
    throw refusal(path, fileRules.S2, `it is declared ${options.declaredFormat}, and its bytes are ${format}`)
  }
  if (format === 'qcow2') {
    return { path, format, virtualSizeBytes: qcow2Size(path, ends, options), fileSizeBytes, warnings: [] }
  }
  if (fileSizeBytes === 0) throw refusal(path, fileRules.W1, 'it is empty')
  const virtualSizeBytes = Math.ceil(fileSizeBytes / sectorBytes) * sectorBytes
  return { path, format, virtualSizeBytes, fileSizeBytes, warnings: oddities(path, head, fileSizeBytes) }
}

interface Ends {
  readonly fileSizeBytes: number
  /** The first 2 MiB, or all of a smaller file: a qcow2 cluster is never larger. */
  readonly head: Buffer
  /** The last 512 bytes, or all of a smaller file. */
  readonly tail: Buffer
}

/** The size of the disk in a qcow2 file that keeps all rules. */
function qcow2Size(path: string, ends: Ends, { maxVirtualSizeBytes = 4 * 2 ** 40 }: InspectOptions): number {
  const header = parseHeader(ends.head)
  if (!header) throw refusal(path, ruleOfHeader, 'its header is cut short or of another version')
  const evidence = { ...ends, header, maxVirtualSizeBytes }
  for (const rule of qcow2Rules) {
    const found = rule.find(evidence)
    if (found !== undefined) throw refusal(path, rule, found)
  }
  return Number(header.virtualSizeBytes)
}

function oddities(path: string, head: Buffer, fileSizeBytes: number): string[] {
  const warnings: string[] = []
  if (fileSizeBytes % sectorBytes !== 0) {
    warnings.push(
      `"${path}" has ${fileSizeBytes} bytes, no multiple of ${sectorBytes}: a guest sees zeros after its end (rule W1).`,
    )
  }
  const odd = findOddPartitionTable(head)
  if (odd !== undefined) warnings.push(`"${path}" is taken for a raw disk, but ${odd} (rule W3).`)
  return warnings
}

function readEnds(path: string): Ends {
  const fd = openForReading(path)
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw refusal(path, fileRules.S1, 'it is no regular file')
    const head = readAt(fd, 0, Math.min(stat.size, mostHeadBytes))
    const tail = readAt(fd, Math.max(0, stat.size - sectorBytes), Math.min(stat.size, sectorBytes))
    return { fileSizeBytes: stat.size, head, tail }
  } finally {
    closeSync(fd)
  }
}

function openForReading(path: string): number {
  try {
    // Without O_NONBLOCK the opening of a pipe waits for somebody to write.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ELOOP') throw refusal(path, fileRules.S1, 'it is a link')
    if (code === 'ENXIO') throw refusal(path, fileRules.S1, 'it is a socket')
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
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
