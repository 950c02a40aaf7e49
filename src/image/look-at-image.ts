/** What is to be seen of one image in a cache when all of its bytes are read. Nothing is changed. */
import { lstatSync, readFileSync, type BigIntStats } from 'node:fs'
import { digestKey, digestOf, parseDigest } from '../digest.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { type CacheLayout, imageDirectory, metaPath } from '../store/layout.js'
import type { Stamp } from '../store/stamp.js'
import { findImage, type ImageMeta, type StoredImage } from '../store/store.js'
import { hashFile } from './hash-file.js'

export type SeenImage =
  | {
      readonly verdict: 'right'
      readonly meta: ImageMeta
      /** As the disk is now. */
      readonly stamp: Stamp
      readonly isStampOff: boolean
      readonly isModeOff: boolean
      /** What is not as it was published, in words. */
      readonly odd: readonly string[]
    }
  | {
      readonly verdict: 'wrong' | 'unread'
      readonly meta: ImageMeta | undefined
      readonly problem: string
    }

interface Looking {
  readonly signal: AbortSignal
  readonly onRead: (image: StoredImage, bytes: number) => void
}

/**
 * Reads the image `key`. Undefined for what is no image of this version's form, for what is not wanted, and for what
 * was removed meanwhile.
 */
export async function lookAtImage(
  layout: CacheLayout,
  key: string,
  isWanted: ((meta: ImageMeta) => boolean) | undefined,
  looking: Looking,
): Promise<SeenImage | undefined> {
  if (!isDigestKey(key)) return undefined
  try {
    const stored = findImage(layout, key)
    if (stored !== undefined)
      return isWanted === undefined || isWanted(stored.meta) ? await readImage(stored, looking) : undefined
    const problem = isWanted === undefined ? problemOfMeta(metaPath(layout, key)) : undefined
    return problem === undefined ? undefined : { verdict: 'wrong', meta: undefined, problem }
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined || looking.signal.aborted) throw error
    // Removed by somebody between two looks; a directory without its files is told apart above.
    if (lstatSync(imageDirectory(layout, key), { throwIfNoEntry: false }) === undefined) return undefined
    const isDenied = code === 'EACCES' || code === 'EPERM'
    const problem = `cannot be read: ${code}`
    return { verdict: isDenied ? 'unread' : 'wrong', meta: whenKnown(layout, key), problem }
  }
}

async function readImage(stored: StoredImage, { signal, onRead }: Looking): Promise<SeenImage> {
  const { path, meta, key } = stored
  const wrong = (problem: string): SeenImage => ({ verdict: 'wrong', meta, problem })
  const source = parsed(meta.source.digest)
  if (source === undefined || digestKey(source) !== key) return wrong(`meta.json is of ${meta.source.digest}`)
  const expected = meta.content.sha256 === undefined ? source : digestOf('sha256', meta.content.sha256)
  if (expected === undefined) return wrong('meta.json has no digest of the disk')
  for (let tries = 1; tries <= 3; tries += 1) {
    const before = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (before === undefined) return wrong('the disk is missing')
    if (!before.isFile()) return wrong('the disk is no regular file')
    if (Number(before.size) !== meta.content.sizeBytes)
      return wrong(`${before.size} bytes, ${meta.content.sizeBytes} wanted`)
    const hex = await hashFile(path, expected.algorithm, signal, (bytes) => onRead(stored, bytes))
    const after = lstatSync(path, { bigint: true })
    // Replaced, or written to, while it was read: what was hashed is not what is there.
    if (!isSame(before, after)) continue
    if (hex !== expected.hex) return wrong(`its ${expected.algorithm} is ${hex}, ${expected.hex} wanted`)
    return rightImage(meta, after)
  }
  return wrong('it changes while it is read')
}

function rightImage(meta: ImageMeta, stat: BigIntStats): SeenImage {
  const stamp = { sizeBytes: Number(stat.size), mtimeNs: String(stat.mtimeNs) }
  const isStampOff = stamp.mtimeNs !== meta.content.mtimeNs
  const mode = Number(stat.mode) & 0o777
  const isModeOff = mode !== 0o444
  const odd = [
    ...(isStampOff ? ['its time of writing is another one'] : []),
    ...(isModeOff ? [`its mode is ${mode.toString(8).padStart(4, '0')}`] : []),
  ]
  return { verdict: 'right', meta, stamp, isStampOff, isModeOff, odd }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs
}

/** A form that is not known may be that of a later version, which is left alone. */
function problemOfMeta(path: string): string | undefined {
  try {
    JSON.parse(readFileSync(path, 'utf8'))
    return undefined
  } catch (error) {
    if (error instanceof SyntaxError) return 'meta.json is damaged'
    if (systemErrorCode(error) === 'ENOENT') return 'meta.json is missing'
    throw error
  }
}

function whenKnown(layout: CacheLayout, key: string): ImageMeta | undefined {
  try {
    return findImage(layout, key)?.meta
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return undefined
  }
}

function isDigestKey(name: string): boolean {
  const digest = parsed(name)
  return digest !== undefined && digestKey(digest) === name
}

function parsed(text: string) {
  try {
    return parseDigest(text)
  } catch (error) {
    if (error instanceof VmImageError) return undefined
    throw error
  }
}
