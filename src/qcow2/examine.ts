/**
 * Looks at an image file: which format it is in, by its bytes and not by its name, how large its disk is, what it is
 * made of, and every rule for base images that it breaks. Bounded reading is read-image.ts's part, deciding is here.
 */
import { findForeignFormat } from './foreign-formats.js'
import { fileRules } from './gate.js'
import { parseHeader, type Qcow2Header, qcow2Magic } from './header.js'
import { findOddPartitionTable, findPartitionTable } from './partition-table.js'
import { type Qcow2Facts, qcow2Facts } from './qcow2-facts.js'
import { isInside } from './qcow2-rule.js'
import { findBreaches, headerRules } from './qcow2-rules.js'
import { type ImageFile, mostHeadBytes, openImageFile } from './read-image.js'
import { type Breach, breach } from './rule.js'
import { l1Bytes, refcountTableBytes } from './table-rules.js'

export interface ExamineOptions {
  /** What the file is said to be; anything else in its bytes breaks rule S2. Default: whichever of the two it is. */
  readonly declaredFormat?: 'qcow2' | 'raw' | undefined
  /** The largest disk that a qcow2 file may describe. Default 4 TiB. */
  readonly maxVirtualSizeBytes?: number | undefined
}

export interface ImageReport {
  /** As it was given. */
  readonly path: string
  /** `qcow2`, `raw`, or one that cannot be a base, in one word: `vmdk`, `iso`, ...; `none` for what is no file. */
  readonly format: string
  readonly fileSizeBytes: number
  /** Size of the disk that a guest would see; undefined when it is not known, or beyond all numbers. */
  readonly virtualSizeBytes: number | undefined
  /** Of a qcow2 file with a header that can be read. */
  readonly qcow2: Qcow2Facts | undefined
  /** Of a raw disk. */
  readonly partitionTable: 'gpt' | 'mbr' | undefined
  /** The rules that it breaks, in their order; none when it may be a base. */
  readonly breaches: readonly Breach[]
  /** Whole sentences about what is odd, though legal. */
  readonly warnings: readonly string[]
}

const sectorBytes = 512
/** Enough for the mark of every format but qcow2's own header. */
const markBytes = 65_536
const mostL1BytesRead = 524_288
const mostRefcountTableBytesRead = 131_072

/**
 * Examines the file at `path`; links are not followed, and what it names is not opened.
 *
 * @throws VmImageError FILE_NOT_FOUND when there is none, FILE_UNREADABLE.
 */
export function examineImage(path: string, options: ExamineOptions = {}): ImageReport {
  const opened = openImageFile(path)
  if (typeof opened === 'string') return examineFile(path, opened, options)
  using file = opened
  return examineFile(path, file, options)
}

/** The same of a file that is open, so that what is read of it afterwards is what was examined. */
export function examineFile(
  path: string,
  file: ReturnType<typeof openImageFile>,
  options: ExamineOptions = {},
): ImageReport {
  if (typeof file === 'string') return noFile(path, `it is a ${file}`)
  if (!file.isRegular) return noFile(path, 'it is no regular file')
  const head = file.read(0, markBytes)
  const tail = file.read(Math.max(0, file.fileSizeBytes - sectorBytes), sectorBytes)
  if (isQcow2(head)) return examineQcow2(path, file, { head: wholeHead(file, head), tail }, options)
  const foreign = findForeignFormat(head, tail)
  const found = foreign && breach(fileRules.W2, `it is a ${foreign.name}`, foreign.cure)
  if (found) return { ...blank(path, file), format: foreign.format, breaches: [found] }
  return examineRaw(path, file, head, options)
}

function isQcow2(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32BE(0) === qcow2Magic
}

function blank(path: string, { fileSizeBytes }: Pick<ImageFile, 'fileSizeBytes'>) {
  return {
    path,
    fileSizeBytes,
    virtualSizeBytes: undefined,
    qcow2: undefined,
    partitionTable: undefined,
    breaches: [],
    warnings: [],
  } as const
}

function noFile(path: string, found: string): ImageReport {
  return {
    ...blank(path, { fileSizeBytes: 0 }),
    format: 'none',
    breaches: [breach(fileRules.S1, found)],
  }
}

/** The first cluster where that is more than was read already, up to a MiB of it. */
function wholeHead(file: ImageFile, head: Buffer): Buffer {
  const clusterBits = parseHeader(head)?.clusterBits ?? 0
  return clusterBits <= 16 ? head : file.read(0, Math.min(2 ** clusterBits, mostHeadBytes))
}

function examineQcow2(
  path: string,
  file: ImageFile,
  { head, tail }: { readonly head: Buffer; readonly tail: Buffer },
  options: ExamineOptions,
): ImageReport {
  const report = { ...blank(path, file), format: 'qcow2' }
  const declared = undeclared('qcow2', options)
  const header = parseHeader(head)
  if (!header) return { ...report, breaches: [...declared, headerBreach(head)] }
  const { maxVirtualSizeBytes = 4 * 2 ** 40 } = options
  const facts = qcow2Facts(header, head, file.read)
  const evidence = {
    header,
    head,
    tail,
    ...(facts ? tablesOf(header, file) : { l1: Buffer.alloc(0), refcountTable: Buffer.alloc(0) }),
    fileSizeBytes: file.fileSizeBytes,
    maxVirtualSizeBytes,
  }
  const size = Number(header.virtualSizeBytes)
  return {
    ...report,
    virtualSizeBytes: Number.isSafeInteger(size) ? size : undefined,
    qcow2: facts,
    breaches: [...declared, ...findBreaches(evidence)],
  }
}

/** The start of the two tables, or nothing of one that is not inside the file. */
function tablesOf(header: Qcow2Header, file: ImageFile) {
  const read = (offset: bigint, bytes: bigint, most: number) =>
    isInside(header, offset, bytes, file.fileSizeBytes)
      ? file.read(offset, bytes < BigInt(most) ? bytes : most)
      : Buffer.alloc(0)
  return {
    l1: read(header.l1Offset, l1Bytes(header), mostL1BytesRead),
    refcountTable: read(header.refcountTableOffset, refcountTableBytes(header), mostRefcountTableBytesRead),
  }
}

function headerBreach(head: Buffer): Breach {
  const version = head.length >= 8 ? head.readUInt32BE(4) : undefined
  if (version === undefined || version === 2 || version === 3) {
    return breach(headerRules.cut, 'its header is cut short')
  }
  return breach(headerRules.version, `it is of version ${version}`)
}

function examineRaw(path: string, file: ImageFile, head: Buffer, options: ExamineOptions): ImageReport {
  const { fileSizeBytes } = file
  return {
    ...blank(path, file),
    format: 'raw',
    virtualSizeBytes: Math.ceil(fileSizeBytes / sectorBytes) * sectorBytes,
    partitionTable: findPartitionTable(head),
    breaches: [
      ...undeclared('raw', options),
      ...(fileSizeBytes === 0 ? [breach(fileRules.W1, 'it is empty')] : []),
    ],
    warnings: oddities(path, head, fileSizeBytes),
  }
}

function undeclared(format: 'qcow2' | 'raw', { declaredFormat = format }: ExamineOptions): readonly Breach[] {
  if (declaredFormat === format) return []
  return [breach(fileRules.S2, `it is declared ${declaredFormat}, and its bytes are ${format}`)]
}

function oddities(path: string, head: Buffer, fileSizeBytes: number): readonly string[] {
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
