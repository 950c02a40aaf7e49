/**
 * diskAt: a disk that outlived its test, by the name of its kept directory or by a path, with what can be done with it.
 * What it stands on is found and believed as find-disk.ts says.
 */
import { statSync } from 'node:fs'
import { makeContext } from '../context.js'
import type { Options } from '../options.js'
import { type Changes, readChanges } from '../qcow2/changes.js'
import { refuseDataFile } from '../qcow2/data-file.js'
import { type DiskInfo, readDiskInfo } from './disk-info.js'
import { diskFrozen } from './disk-state.js'
import { exportDisk, type ExportOptions } from './export-disk.js'
import { findDisk } from './find-disk.js'
import { checkFound, type FoundDisk } from './found-disk.js'
import type { KeptDisk } from './keep-disk.js'
import { keepFound } from './keep-found.js'
import { type Launch, launchOf } from './launch.js'
import { resetDisk } from './reset-disk.js'

/** What a test's disk can do, and one that was kept as well. */
export interface Disk {
  /** Absolute. */
  readonly path: string
  /** Absolute path of the base image. */
  readonly baseImage: string
  readonly baseFormat: 'qcow2' | 'raw'
  readonly launch: Launch
  info(): Promise<DiskInfo>
  changes(): Promise<Changes>
  exportTo(path: string, options?: ExportOptions): Promise<void>
  reset(): Promise<void>
  keep(): Promise<KeptDisk>
}

export interface DiskAtOptions extends Pick<Options, 'cacheDir' | 'extraCacheDirs' | 'overlayDir'> {
  /** The base image, where the header of the overlay is not to be believed. Default: it is found. */
  readonly base?: string | undefined
}

/**
 * The disk `asked`: a kept one, or any overlay whose base can be told. Its methods throw what those of VmImage do; what it
 * stands on is held against the stamps in its note, or in the cache.
 *
 * @param asked the name of a kept disk as `vmimage kept` shows it, its directory, or the path of an overlay.
 * @throws VmImageError FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_REQUEST when several disks are kept there, UNSAFE_IMAGE when
 * what it stands on cannot be told or it is damaged, UNSUPPORTED_IMAGE when it is no overlay, CACHE_UNSAFE when the directory
 * of kept disks is somebody else's.
 * @example
 * const disk = diskAt('install.test.ts-boots-1')
 * await disk.exportTo('failed.qcow2', { compress: true })
 */
export function diskAt(asked: string, { base, ...options }: DiskAtOptions = {}): Disk {
  const context = makeContext(options)
  const found = findDisk(asked, context, base)
  const { chain } = found
  const { path } = chain
  return {
    path,
    baseImage: chain.base.path,
    baseFormat: chain.base.format,
    get launch() {
      return launchFound(found)
    },
    info: () => readDiskInfo(chain),
    changes: async () => readChanges(path),
    async exportTo(target, exportOptions) {
      checkFound(found)
      await exportDisk(chain, target, exportOptions)
    },
    async reset() {
      checkFound(found)
      await resetDisk(chain)
    },
    keep: () => keepFound(found, context),
  }
}

function launchFound(found: FoundDisk): Launch {
  const { chain } = found
  checkFound(found)
  for (const overlay of [chain.path, ...chain.parents]) refuseDataFile(overlay)
  if ((statSync(chain.path).mode & 0o200) === 0) throw diskFrozen(chain.path, 'launch')
  return launchOf(chain)
}
