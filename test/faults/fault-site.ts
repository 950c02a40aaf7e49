/** What the publishers of fault-images.ts serve: listings, checksum files, images; paths for a mirror. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import type { SystemName } from './fault-images.js'

export interface FaultSite {
  readonly files: Readonly<Record<string, string | Buffer>>
  readonly images: Readonly<Record<SystemName, SiteImage>>
}

export interface SiteImage {
  /** Where a mirror has it. */
  readonly path: string
  /** As it is served. */
  readonly bytes: Buffer
  /** Its key in the store. */
  readonly key: string
  /** Of the disk, unpacked. */
  readonly sha256: string
}

/** @param sizeBytes of each image, unpacked: a multiple of 64 KiB. */
export function faultSite(sizeBytes: number): FaultSite {
  const disk = (seed: string) =>
    smallQcow2(seed, { virtualSizeBytes: 2 * sizeBytes, dataClusters: sizeBytes / 65_536 })
  const images = {
    plain: siteImage('plain', 'plain-1.x86_64.qcow2', disk('plain'), (bytes) => bytes),
    packed: siteImage('packed', 'packed-1.x86_64.qcow2.gz', disk('packed'), (bytes) =>
      gzipSync(bytes, { level: 1 }),
    ),
  }
  return { images, files: { ...filesOf('plain', images.plain), ...filesOf('packed', images.packed) } }
}

function siteImage(name: SystemName, file: string, disk: Buffer, pack: (disk: Buffer) => Buffer): SiteImage {
  const bytes = pack(disk)
  return {
    path: `/${name}.example.org/1/${file}`,
    bytes,
    key: `sha256-${sha256(bytes)}`,
    sha256: sha256(disk),
  }
}

function filesOf(name: SystemName, { path, bytes, key }: SiteImage) {
  const site = `/${name}.example.org`
  const file = path.slice(path.lastIndexOf('/') + 1)
  return {
    [`${site}/index.html`]: listing(['1/']),
    [`${site}/1/index.html`]: listing([file, 'SHA256SUMS']),
    [`${site}/1/SHA256SUMS`]: `${key.replace('sha256-', '')}  ${file}\n`,
    [path]: bytes,
  }
}

function listing(names: readonly string[]): string {
  const links = names.map((name) => `<a href="${name}">${name}</a>  01-Nov-2026 10:00  -`)
  return `<html><body><h1>Index of /</h1><hr><pre><a href="../">../</a>\n${links.join('\n')}\n</pre><hr></body></html>`
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
