/**
 * The invariants of the cache, as a judge that reads the directories and nothing else: what it finds broken are
 * sentences, each with the number of the invariant. What must hold at every moment is `brokenInvariants()`; what must
 * be gone once somebody has started again and ended is `leftovers()`.
 *
 *     I1 an image is complete, verified, 0444           I6 a lock's record speaks of one lock directory; that is empty
 *     I2 no file is written by two                      I7 an entry's name says who owns it
 *     I3 no image without a digest over all its bytes   I8 a cached image takes no lock, no network, no write but a lease
 *     I4 what is in use stays, by path and by bytes     I9 nothing is left that a person would have to remove
 *     I5 nothing is half removed under its own name     I10 unknown files are left alone
 *
 * I8 speaks of what is done and not of what lies there: crash-points.test.ts looks at the operations themselves.
 */
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type CacheLayout, cacheLayout, keptDirectory, overlayRuns } from '../../src/store/layout.js'
import { identity } from '../../src/store/own-lock.js'
import { judge, parseOwner } from '../../src/store/owner.js'
import { whenReadable } from '../../src/store/readable.js'

export interface Directories {
  readonly cacheDir: string
  readonly overlayDir: string
}

export interface Known {
  /** Files that are not ours, by path, and what they hold. */
  readonly foreign?: Readonly<Record<string, string>>
  /** Files that living runs read or write, by path, with their SHA-256; undefined for one that changes. */
  readonly inUse?: Readonly<Record<string, string | undefined>>
  /** The SHA-256 of the unpacked disk, by key; for images that the checker could not unpack itself. */
  readonly disks?: Readonly<Record<string, string>>
}

/** Every invariant that does not hold, as a sentence; none when all is well. */
export function brokenInvariants({ cacheDir }: Directories, known: Known = {}): readonly string[] {
  const layout = cacheLayout(cacheDir)
  return [
    ...namesIn(layout.images).flatMap((key) => brokenImage(layout, key, known.disks?.[key])),
    ...brokenIngests(layout),
    ...brokenUse(known.inUse ?? {}),
    ...brokenLocks(layout),
    ...brokenNames(layout),
    ...brokenForeign(known.foreign ?? {}),
  ]
}

const imageName = /^(sha256|sha512|sha1|md5)-([0-9a-f]+)$/

/** Names of another form are another version's. */
function brokenImage(layout: CacheLayout, key: string, unpacked: string | undefined): readonly string[] {
  const [, algorithm = '', hex = ''] = imageName.exec(key) ?? []
  if (algorithm === '') return []
  const disk = join(layout.images, key, 'disk')
  const metaPath = join(layout.images, key, 'meta.json')
  const stat = lstatSync(disk, { bigint: true, throwIfNoEntry: false })
  // The one thing that may happen to an image happens to all of it at once.
  if (stat === undefined) return existsSync(join(layout.images, key)) ? [`I1: ${key} has no disk`] : []
  const meta = readMeta(metaPath)
  if (meta === undefined) return [`I1: the meta.json of ${key} cannot be read`]
  const { source = {}, content = {} } = meta
  const [wantedBy, wanted] = content.sha256 === undefined ? [algorithm, hex] : ['sha256', content.sha256]
  const found = hashOf(disk, wantedBy)
  const isStamped = content.sizeBytes === Number(stat.size) && content.mtimeNs === String(stat.mtimeNs)
  return [
    ...unless(modeOf(disk) === 0o444, `I1: the disk of ${key} has mode ${modeOf(disk)?.toString(8)}`),
    ...unless(
      modeOf(metaPath) === 0o444,
      `I1: the meta.json of ${key} has mode ${modeOf(metaPath)?.toString(8)}`,
    ),
    ...unless(isStamped, `I1: the stamp of ${key} does not fit`),
    ...unless(source.digest === `${algorithm}:${hex}`, `I3: ${key} says that its digest is ${source.digest}`),
    ...unless(found === wanted, `I1: the bytes of ${key} have the ${wantedBy} ${found}`),
    ...unless(unpacked === undefined || found === unpacked, `I1: ${key} unpacked to other bytes, ${found}`),
  ]
}

interface Meta {
  readonly source?: { readonly digest?: string }
  readonly content?: { readonly sizeBytes?: number; readonly mtimeNs?: string; readonly sha256?: string }
}

function readMeta(path: string): Meta | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined // not there, torn, not to be read: all the same here
  }
}

/** A part is private: one name. What is about to be published may have a second one, the lease, and is read-only. */
function brokenIngests(layout: CacheLayout): readonly string[] {
  return entriesOf(layout.ingest).flatMap((directory) => {
    const part = whenReadable(() => lstatSync(join(directory, 'part')))
    const disk = whenReadable(() => lstatSync(join(directory, 'pub', 'disk')))
    return [
      ...unless(part === undefined || part.nlink === 1, `I2: ${directory}/part has ${part?.nlink} names`),
      ...unless(
        disk === undefined || disk.nlink === 1 || (disk.mode & 0o777) === 0o444,
        `I2: ${directory}/pub/disk is leased and can be written`,
      ),
    ]
  })
}

function brokenUse(inUse: NonNullable<Known['inUse']>): readonly string[] {
  return Object.entries(inUse).flatMap(([path, sha256]) => {
    if (!existsSync(path)) return [`I4: ${path} is in use, and gone`]
    return unless(
      sha256 === undefined || hashOf(path, 'sha256') === sha256,
      `I4: ${path} is in use, and other bytes`,
    )
  })
}

/** A file in the directory of a lock would make it a lock that nobody can take over (rmdir: ENOTEMPTY). */
function brokenLocks(layout: CacheLayout): readonly string[] {
  return namesIn(layout.locks).flatMap((name) => {
    const path = join(layout.locks, name)
    if (name.endsWith('.lock')) return unless(namesIn(path).length === 0, `I6: the lock ${name} is not empty`)
    const record = name.endsWith('.owner.json') ? readRecord(path) : undefined
    if (record === undefined) return []
    const isWhole = typeof record.owner === 'string' && typeof record.lock === 'string'
    return unless(isWhole, `I6: the record ${name} does not say of which lock it speaks`)
  })
}

interface LockRecord {
  readonly owner?: unknown
  readonly lock?: unknown
}

function readRecord(path: string): LockRecord | undefined {
  const value: unknown = readMeta(path)
  return typeof value === 'object' && value !== null ? value : undefined
}

function brokenNames(layout: CacheLayout): readonly string[] {
  const owned = [...entriesOf(layout.ingest), ...pathsIn(layout.runs), ...pathsIn(layout.trash)]
  return owned
    .filter((path) => parseOwner(basename(path)) === undefined && !isForeignName(path))
    .map((path) => `I7: ${path} does not say whose it is`)
}

/** Tests plant files of this name where only owners' names should be. */
function isForeignName(path: string): boolean {
  return basename(path).startsWith('foreign')
}

function brokenForeign(foreign: NonNullable<Known['foreign']>): readonly string[] {
  return Object.entries(foreign).flatMap(([path, text]) => {
    if (!existsSync(path)) return [`I10: ${path} is not ours, and gone`]
    return unless(readFileSync(path, 'utf8') === text, `I10: ${path} is not ours, and was written to`)
  })
}

/**
 * I9: what processes that are dead left behind, by path below its directory. After a start that swept, and the end of
 * all that was started, there must be nothing.
 */
export function leftovers({ cacheDir, overlayDir }: Directories): readonly string[] {
  const layout = cacheLayout(cacheDir)
  const found = [
    ...entriesOf(layout.ingest).filter(isLeft),
    ...pathsIn(layout.locks).filter((path) => isLockLeft(layout, path)),
    ...pathsIn(layout.runs).filter((path) => isLeft(path) && !isKeptLease(path)),
    ...pathsIn(layout.trash).filter(isLeft),
    ...[layout.resolved, layout.keys, ...pathsIn(layout.images)].flatMap(pathsIn).filter(isDraftLeft),
    ...pathsIn(overlayRuns(overlayDir)).filter(isLeft),
    ...pathsIn(keptDirectory(overlayDir)).filter(isLeft),
  ]
  return found.map((path) => path.replace(`${layout.versionDir}/`, '').replace(`${overlayDir}/`, 'overlays/'))
}

/** By the name of an owner who is certainly dead. */
function isLeft(path: string): boolean {
  const owner = parseOwner(basename(path))
  return owner !== undefined && judge(owner) === 'dead'
}

/** A draft is `<name>.<owner>`, and becomes `<name>` by a rename. */
function isDraftLeft(path: string): boolean {
  const owner = parseOwner(basename(path).split('.').at(-1) ?? '')
  return owner !== undefined && judge(owner) === 'dead'
}

/** A lock of the dead, and the record of one when its lock is gone or somebody else's. */
function isLockLeft(layout: CacheLayout, path: string): boolean {
  const key = basename(path).replace(/\.(lock|owner\.json)$/, '')
  const record = readRecord(join(layout.locks, `${key}.owner.json`))
  const owner = typeof record?.owner === 'string' ? parseOwner(record.owner) : undefined
  if (owner === undefined) return false
  const isDead = judge(owner) === 'dead'
  const isOfThisLock = identity(join(layout.locks, `${key}.lock`)) === record?.lock
  return path.endsWith('.lock') ? isDead && isOfThisLock : isDead
}

/** The lease of a base that a kept disk stands on lives as long as that disk. */
function isKeptLease(path: string): boolean {
  return namesIn(path).some(
    (name) => name.startsWith('kept-') && existsSync(readFileSync(join(path, name), 'utf8')),
  )
}

function entriesOf(ingest: string): readonly string[] {
  return pathsIn(ingest).flatMap(pathsIn)
}

function pathsIn(directory: string): readonly string[] {
  return namesIn(directory).map((name) => join(directory, name))
}

/** Others work in these directories while they are looked at. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    return [] // gone, or a file
  }
}

function modeOf(path: string): number | undefined {
  const mode = lstatSync(path, { throwIfNoEntry: false })?.mode
  return mode === undefined ? undefined : mode & 0o777
}

/** The hash of a file; of one that cannot be read, why not. */
export function hashOf(path: string, algorithm = 'sha256'): string {
  try {
    return createHash(algorithm).update(readFileSync(path)).digest('hex')
  } catch (error) {
    return String(error)
  }
}

function unless(isWell: boolean, sentence: string): readonly string[] {
  return isWell ? [] : [sentence]
}
