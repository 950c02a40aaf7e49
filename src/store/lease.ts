/**
 * Lease: "this run uses that base". It is a hard link of the cached file, so taking it is also the check that the
 * image is there, the kernel counts the users, and the bytes stay reachable by the lease's path whatever happens to
 * the cache. One system call, no lock, nothing heavy imported: this is every test's path.
 */
import { existsSync, linkSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { namesIn } from './directory.js'
import { diskPath, type CacheLayout, hashName, leasePath } from './layout.js'
import { makeDirectory } from './make-directory.js'
import { newOwner } from './owner.js'
import { whenReadable } from './readable.js'

/** File systems (and kernels, for files of others) that do not link; there a marker file says who uses the image. */
const noLinks = new Set(['EPERM', 'EXDEV', 'EMLINK', 'EROFS', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Leases the published image `key` for the run that owns `leaseDir`.
 *
 * @returns the path to read the image by, or undefined when it is not in the cache. Without a lease directory (a
 * cache that cannot be written) it is the cached file itself.
 */
export function takeLease(
  layout: CacheLayout,
  leaseDir: string | undefined,
  key: string,
): string | undefined {
  return link(layout, diskPath(layout, key), leaseDir, key)
}

/** Leases a file that is about to be published, so that no collector can come between the two steps. */
export function leaseUnpublished(
  layout: CacheLayout,
  file: string,
  leaseDir: string | undefined,
  key: string,
): void {
  link(layout, file, leaseDir, key)
}

/** Gives one lease back. Idempotent. */
export function dropLease(leaseDir: string, key: string): void {
  rmSync(leasePath(leaseDir, key), { force: true })
  rmSync(markerPath(leaseDir, key), { force: true })
}

function link(
  layout: CacheLayout,
  file: string,
  leaseDir: string | undefined,
  key: string,
): string | undefined {
  if (leaseDir === undefined) return existsSync(file) ? file : undefined
  const lease = leasePath(leaseDir, key)
  try {
    linkSync(file, lease)
    return lease
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'EEXIST') return lease
    if (code === 'ENOENT') return relink(layout, file, leaseDir, key)
    if (code === undefined || !noLinks.has(code)) throw error
    return mark(file, leaseDir, key)
  }
}

/**
 * What is missing is the image, or the lease directory: somebody emptied the cache by hand while this run lives. Another
 * worker of the run may have made the directory again by now.
 */
function relink(layout: CacheLayout, file: string, leaseDir: string, key: string): string | undefined {
  if (!existsSync(file)) return undefined
  makeDirectory(layout, leaseDir)
  return link(layout, file, leaseDir, key)
}

/** Marked first and looked at then, as a collector moves the image first and looks for marks then: one of both sees the other. */
function mark(file: string, leaseDir: string, key: string): string | undefined {
  if (!existsSync(file)) return undefined
  writeFileSync(markerPath(leaseDir, key), '')
  if (existsSync(file)) return file
  rmSync(markerPath(leaseDir, key), { force: true })
  return undefined
}

/** Whether the run of `leaseDir` has leased the image `key`. */
export function isLeasedIn(leaseDir: string, key: string): boolean {
  return existsSync(leasePath(leaseDir, key)) || existsSync(markerPath(leaseDir, key))
}

function markerPath(leaseDir: string, key: string): string {
  return join(leaseDir, leaseMarker(key))
}

/** The name of the file that stands for a link where there can be none. */
export function leaseMarker(key: string): string {
  return `base-${key}.lease`
}

/**
 * Writes into `leaseDir` that the kept overlay in `keptPath` needs this run's leases. To be called before the
 * overlay is moved there, so that no moment is left at which the base could be taken away.
 */
export function markKept(leaseDir: string, keptPath: string): void {
  const draft = join(leaseDir, `draft-${newOwner()}`)
  writeFileSync(draft, keptPath)
  renameSync(draft, join(leaseDir, `kept-${hashName(keptPath).slice(0, 16)}`))
}

/**
 * Whether a kept overlay that still exists needs the leases of this directory. Whatever cannot be read is kept; a
 * mark that is gone went with the directory, which another process sweeps. Never throws.
 */
export function isKept(leaseDir: string): boolean {
  return isTrueOrUnknown(() =>
    namesIn(leaseDir)
      .filter((name) => name.startsWith('kept-'))
      .some((name) => isTrueOrUnknown(() => isThere(readFileSync(join(leaseDir, name), 'utf8')))),
  )
}

/** The kept overlays that need the leases of this directory and are still there. */
export function findKept(leaseDir: string): readonly string[] {
  const marks = (whenReadable(() => namesIn(leaseDir)) ?? []).filter((name) => name.startsWith('kept-'))
  return marks
    .flatMap((name) => whenReadable(() => readFileSync(join(leaseDir, name), 'utf8')) ?? [])
    .filter((path) => isTrueOrUnknown(() => isThere(path)))
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function isTrueOrUnknown(look: () => boolean): boolean {
  try {
    return look()
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    return code !== 'ENOENT'
  }
}
