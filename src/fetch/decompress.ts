/**
 * decompress: xz, gz, zst, bz2, or a disk in a tar -> a sparse file, streamed. The installed programs come first (xz is 1.4 times as
 * fast as the same code in WebAssembly, and in a process of its own); what Node can do by itself needs none. The
 * door of xz-decompress.
 */
import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Packing } from '../compression.js'
import { VmImageError } from '../errors.js'
import { sizeText } from '../progress-text.js'
import { runProgram } from '../program.js'
import type { Report } from '../report.js'
import { diskFullError, isDiskFull, roomCure } from '../disk-full.js'
import { paced } from './paced.js'
import { createSparseFile } from './sparse-file.js'
import { untar } from './untar.js'

export interface DecompressOptions {
  /** The image's name, for reports and errors. */
  readonly name: string
  /** A file that expands further is an error: damage, or a bomb. */
  readonly maxBytes: number
  /** No more than this is written to the disk; holes are not counted. Default: as much as goes. */
  readonly maxDataBytes?: number | undefined
  readonly report: Report
  readonly signal: AbortSignal
}

export interface Decompressed {
  readonly sizeBytes: number
  /** Of the expanded bytes, in hex. */
  readonly sha256: string
}

/** The compressed bytes, from the start at each call. */
type Input = () => AsyncIterable<Buffer>
type Decoder = (input: Input, options: DecompressOptions) => AsyncIterable<Uint8Array>

/** xz -9 needs 65 MiB, and no publisher goes beyond; more is what a file made to exhaust memory asks for. */
const xzMemory = '256MiB'

const decoders: Readonly<Record<Packing, Decoder>> = {
  'tar.xz': (input, options) => untar(unxz(input, options), options),
  'tar.gz': (input, options) => untar(gunzip(input), options),
  xz: unxz,
  gz: gunzip,
  // Not Node's own (seen in 24.21): it stops after the first frame of several, without an error.
  zst: (input, { signal }) => runProgram('zstd', ['-dcq'], { stdin: input(), signal }),
  bz2: (input, { signal }) => runProgram('bzip2', ['-dc'], { stdin: input(), signal }),
}

/**
 * Expands `source` into the new file `target`; blocks of zeros become holes. On any error `target` is gone.
 *
 * @throws VmImageError DECOMPRESSION_FAILED when the file is cut off, damaged, followed by something else (bzip2 lets
 * that pass), larger than allowed, or an archive of anything but one file; TOOL_MISSING when only a program could do it and it is not installed; NO_SPACE
 * when the disk is full.
 */
export async function decompress(
  source: string,
  target: string,
  compression: Packing,
  options: DecompressOptions,
): Promise<Decompressed> {
  const { size } = await stat(source)
  const input: Input = () => readTold(source, size, options)
  await using file = await createSparseFile(target)
  try {
    for await (const chunk of decoders[compression](input, options)) {
      options.signal.throwIfAborted() // a small input is read, and its signal asked, long before it is expanded
      if (file.sizeBytes + chunk.length > options.maxBytes) {
        throw failure(options.name, compression, `more than ${options.maxBytes} bytes come out of it`)
      }
      await file.append(chunk)
      if (file.dataBytes > (options.maxDataBytes ?? Infinity)) throw noRoom(target, options)
    }
    const sha256 = await file.finish()
    return { sizeBytes: file.sizeBytes, sha256 }
  } catch (error) {
    await rm(target, { force: true })
    options.signal.throwIfAborted()
    if (isDiskFull(error)) throw diskFullError(target, undefined, error)
    if (error instanceof VmImageError && error.code !== 'TOOL_FAILED') throw error
    throw failure(options.name, compression, describe(error), error)
  }
}

/** Reads a file and reports how far it is. */
async function* readTold(path: string, totalBytes: number, { name, report, signal }: DecompressOptions) {
  let readBytes = 0
  const tell = paced(() => report({ type: 'unpacking', name, readBytes, totalBytes }))
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18, signal })) {
    tell()
    readBytes += chunk.length
    yield chunk
  }
  report({ type: 'unpacking', name, readBytes, totalBytes })
}

async function* unxz(input: Input, { name, report, signal }: DecompressOptions): AsyncIterable<Uint8Array> {
  try {
    const args = ['-dc', '-T0', `--memlimit-decompress=${xzMemory}`]
    yield* runProgram('xz', args, { stdin: input(), signal })
    return
  } catch (error) {
    if (!(error instanceof VmImageError && error.code === 'TOOL_MISSING')) throw error
  }
  report({
    type: 'warning',
    message: `xz is not installed: "${name}" is unpacked by slower code of our own. "apt install xz-utils" helps.`,
  })
  const { default: xz } = await import('xz-decompress')
  yield* new xz.XzReadableStream(Readable.toWeb(Readable.from(input())))
}

/** pipeline() destroys the decoder with the error of the input, and so the reader gets it: the callback has nothing to add. */
function gunzip(input: Input): AsyncIterable<Uint8Array> {
  return pipeline(Readable.from(input()), createGunzip(), () => {})
}

/** Before the last byte of the disk is taken: others live on it too. */
function noRoom(target: string, { name, maxDataBytes = 0 }: DecompressOptions): VmImageError {
  return new VmImageError(
    'NO_SPACE',
    `Cannot unpack "${name}" to "${target}": more than ${sizeText(maxDataBytes)} come out of it, and the disk had no more.\n${roomCure}`,
  )
}

function failure(name: string, compression: Packing, found: string, cause?: unknown): VmImageError {
  return new VmImageError(
    'DECOMPRESSION_FAILED',
    `Cannot unpack "${name}": ${found}; expected one complete .${compression} file.\n` +
      'Fetch it again; when that does not help, the file is published damaged: ask for another build.',
    { cause },
  )
}

function describe(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ')
}
