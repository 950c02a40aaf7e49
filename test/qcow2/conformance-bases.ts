/** Base images of every kind that QEMU's tools can make, with data at the edges where something could go wrong. */
import { truncateSync, writeFileSync } from 'node:fs'
import { type DiskImage, inspectImage } from '../../src/qcow2/inspect.js'
import { qemuImg, qemuIo } from '../support/qemu.js'

export interface BaseKind {
  readonly name: string
  /** What `qemu-img create -o` gets; undefined for raw. */
  readonly options: string | undefined
  readonly isCompressed?: boolean
  readonly hasBitmap?: boolean
}

const clusterSizes = ['512', '1k', '2k', '4k', '8k', '16k', '32k', '64k', '128k', '256k', '512k', '1M', '2M']

export const baseKinds: readonly BaseKind[] = [
  { name: 'raw', options: undefined },
  ...['512', '64k', '2M'].map((size) => ofOptions(`compat=0.10,cluster_size=${size}`)),
  ...clusterSizes.map((size) => ofOptions(`cluster_size=${size}`)),
  ...['16k', '64k', '2M'].map((size) => ofOptions(`extended_l2=on,cluster_size=${size}`)),
  ...['1', '2', '4', '8', '32', '64'].map((bits) => ofOptions(`refcount_bits=${bits}`)),
  ofOptions('lazy_refcounts=on'),
  ofOptions('preallocation=metadata'),
  ofOptions('preallocation=falloc'),
  { name: 'compressed with zlib', options: 'compression_type=zlib', isCompressed: true },
  { name: 'compressed with zstd', options: 'compression_type=zstd', isCompressed: true },
  { name: 'with a bitmap', options: 'compat=1.1', hasBitmap: true },
]

function ofOptions(options: string): BaseKind {
  return { name: options, options }
}

/** Writes a base of `sizeBytes` at `path`, and inspects it. */
export async function makeBase(path: string, kind: BaseKind, sizeBytes: number): Promise<DiskImage> {
  const { options, isCompressed = false, hasBitmap = false } = kind
  if (options === undefined) writeRaw(path, sizeBytes)
  else if (isCompressed) await compress(path, options, sizeBytes)
  else {
    await qemuImg('create', '-f', 'qcow2', '-o', options, path, String(sizeBytes))
    if (hasBitmap) await qemuImg('bitmap', '--add', '-f', 'qcow2', path, 'changes')
    await qemuIo(path, ...piecesOf(sizeBytes).map(([at, bytes, value]) => `write -P ${value} ${at} ${bytes}`))
  }
  return inspectImage(path, { declaredFormat: options === undefined ? 'raw' : 'qcow2' })
}

/** At the start, across a cluster's edge, and at the end, where there is room for them. */
function piecesOf(sizeBytes: number): (readonly [at: number, bytes: number, value: number])[] {
  const pieces = [
    [0, 512, 1],
    [65_536 - 1024, 2048, 2],
    [524_288, 65_536, 3],
    [sizeBytes - 512, 512, 4],
  ] as const
  return pieces.filter(([at, bytes]) => at >= 0 && at + bytes <= sizeBytes)
}

function writeRaw(path: string, sizeBytes: number): void {
  writeFileSync(path, '')
  for (const [at, bytes, value] of piecesOf(sizeBytes)) {
    truncateSync(path, at)
    writeFileSync(path, Buffer.alloc(bytes, value), { flag: 'a' })
  }
  truncateSync(path, sizeBytes)
}

async function compress(path: string, options: string, sizeBytes: number): Promise<void> {
  const raw = `${path}.raw`
  writeRaw(raw, sizeBytes)
  await qemuImg('convert', '-c', '-f', 'raw', '-O', 'qcow2', '-o', options, raw, path)
}
