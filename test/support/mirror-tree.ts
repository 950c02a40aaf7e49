/**
 * What the loopback mirror serves: files of a directory, or of a table in memory, behind one small interface.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { systemErrorCode } from '../../src/errors.js'

export type MirrorFile = string | Buffer

export interface ServedFile {
  readonly size: number
  /** Strong. */
  readonly etag: string
  readonly lastModified: string
  readonly contentType: string
  /** The bytes `[start, end)`, in pieces of at most `pieceBytes` (default 64 KiB); the pieces may be written to. */
  read(start: number, end: number, pieceBytes?: number): AsyncIterable<Buffer>
}

export interface MirrorTree {
  find(path: string): Promise<ServedFile | 'directory' | undefined>
  put(path: string, file: MirrorFile): void
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
  '.txt': 'text/plain',
}

export function openTree(content: string | Readonly<Record<string, MirrorFile>>): MirrorTree {
  const memory = new Map(
    Object.entries(typeof content === 'string' ? {} : content).map(([path, file]) => [
      `/${path.replace(/^\//, '')}`,
      fileOfMemory(path, file),
    ]),
  )

  async function findFile(path: string): Promise<ServedFile | 'directory' | undefined> {
    const known = memory.get(path)
    if (known || typeof content !== 'string') return known
    return findOnDisk(join(content, normalize(path)))
  }

  return {
    async find(path) {
      if (path.endsWith('/')) return findFile(`${path}index.html`)
      return (await findFile(path)) ?? (memory.has(`${path}/index.html`) ? 'directory' : undefined)
    },
    put(path, file) {
      const name = path.endsWith('/') ? `${path}index.html` : path
      memory.set(name, fileOfMemory(name, file))
    },
  }
}

/** The ETag of a file that is served from memory. */
export function etagOf(bytes: Buffer): string {
  return `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`
}

function fileOfMemory(path: string, file: MirrorFile): ServedFile {
  const bytes = Buffer.from(file)
  return {
    size: bytes.length,
    etag: etagOf(bytes),
    lastModified: 'Wed, 01 Jan 2025 00:00:00 GMT',
    contentType: contentTypeOf(path),
    async *read(start, end, pieceBytes = 65_536) {
      for (let at = start; at < end; at += pieceBytes) {
        yield Buffer.from(bytes.subarray(at, Math.min(at + pieceBytes, end)))
      }
    },
  }
}

async function findOnDisk(path: string): Promise<ServedFile | 'directory' | undefined> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) return 'directory'
    return {
      size: found.size,
      etag: `"${found.size.toString(16)}-${Math.trunc(found.mtimeMs).toString(16)}"`,
      lastModified: found.mtime.toUTCString(),
      contentType: contentTypeOf(path),
      read: (start, end, pieceBytes = 65_536) =>
        createReadStream(path, { start, end: end - 1, highWaterMark: pieceBytes }),
    }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function contentTypeOf(path: string): string {
  return contentTypes[extname(path)] ?? 'application/octet-stream'
}
