/** The directories: where base images and overlays are, on what, and whether others could change them. */
import { lstatSync, statSync } from 'node:fs'
import { VmImageError } from '../errors.js'
import { sizeText } from '../progress-text.js'
import { namesIn } from '../store/directory.js'
import { checkLayer } from '../store/layer.js'
import { cacheLayout, keptDirectory, overlayRuns } from '../store/layout.js'
import { refuseLink, refuseOthers } from '../store/root.js'
import { whenReadable } from '../store/readable.js'
import type { Check, Finding } from './check.js'
import { type FileSystemFacts, lookAtFileSystem } from './file-system.js'

export interface DirectoryFacts extends FileSystemFacts {
  readonly use: 'base images' | 'overlays'
  readonly variable: 'VMIMAGE_CACHE_DIR' | 'VMIMAGE_OVERLAY_DIR'
  /** The directory that is meant, which may not be there yet. */
  readonly path: string
  readonly exists: boolean
  /** Why it is refused, as a run would say it; undefined when it is not. */
  readonly refusal: string | undefined
}

export interface LayerFacts {
  readonly path: string
  readonly images: number
  readonly refusal: string | undefined
}

const scarceBytes = 5 * 1024 ** 3
const tooFewBytes = 1024 ** 3

export const directoriesCheck: Check = {
  topic: 'directories',
  find: ({ context: { cacheDir, overlayDir, extraCacheDirs } }) => {
    const layout = cacheLayout(cacheDir)
    const { versionDir, images, ingest, locks, runs, resolved, keys, trash } = layout
    const inner = [versionDir, images, ingest, locks, runs, resolved, keys, trash]
    const cache = lookAt('base images', 'VMIMAGE_CACHE_DIR', cacheDir, inner)
    const overlays = lookAt('overlays', 'VMIMAGE_OVERLAY_DIR', overlayDir, [
      overlayRuns(overlayDir),
      keptDirectory(overlayDir),
    ])
    return [
      ...judgeDirectory(cache),
      ...judgeDirectory(overlays),
      ...extraCacheDirs.map((path) => judgeLayer(lookAtLayer(path))),
    ]
  },
}

export function judgeDirectory(facts: DirectoryFacts): readonly Finding[] {
  const { use, variable, path, exists, refusal, writeError, kind, freeBytes } = facts
  const where = `${use}: ${path}${exists ? '' : ' (not there yet)'}`
  if (refusal !== undefined) return [refused(where, refusal)]
  if (writeError !== undefined) return [unwritable(facts, where)]
  const room = `${kind}, ${sizeText(freeBytes)} free`
  const elsewhere = `export ${variable}=<a directory on a larger disk>`
  const level = freeBytes < tooFewBytes ? 'problem' : freeBytes < scarceBytes ? 'note' : 'ok'
  return [
    { level, text: `${where}: writable, ${room}`, cure: level === 'ok' ? undefined : elsewhere },
    ...oddities(facts),
  ]
}

export function judgeLayer({ path, images, refusal }: LayerFacts): Finding {
  const where = `layer: ${path}`
  return refusal === undefined ? { level: 'ok', text: `${where}: ${images} images` } : refused(where, refusal)
}

function oddities({ use, variable, kind, linkError }: DirectoryFacts): readonly Finding[] {
  const found: Finding[] = []
  if (kind === 'tmpfs' || kind === 'ramfs') {
    found.push({
      level: 'note',
      text: `${use} are in memory (${kind}): ${use === 'overlays' ? 'what guests write' : 'every image'} takes some of it, and a reboot all`,
      cure: `export ${variable}=<a directory on a disk>`,
    })
  }
  if (use === 'base images' && linkError !== undefined) {
    found.push({
      level: 'note',
      text: `no hard links there (${linkError}): a run marks the images it uses, and an rm of an image is not held up`,
      cure: `export ${variable}=<a directory on ext4, xfs, btrfs, zfs>`,
    })
  }
  if (use === 'base images' && ['nfs', 'cifs', 'smb2', '9p', 'fuse'].includes(kind)) {
    found.push({
      level: 'note',
      text: `${kind} is a network's or another system's: two machines may download one image at the same time; what is published is right all the same`,
      cure: 'a cache of its own for each machine, and the shared one in VMIMAGE_EXTRA_CACHE_DIRS',
    })
  }
  return found
}

function unwritable(
  { use, variable, exists, writeError, directory }: DirectoryFacts,
  where: string,
): Finding {
  const cure = `sudo chown "$USER" ${directory}, or export ${variable}=<a directory of yours>`
  // A warm cache that is read-only serves; overlays have to be written.
  if (use === 'base images' && exists) {
    return {
      level: 'note',
      text: `${where}: read-only (${writeError}); what is in it serves, and nothing is added`,
      cure,
    }
  }
  return { level: 'problem', text: `${where}: cannot be written (${writeError})`, cure }
}

function refused(where: string, refusal: string): Finding {
  const [text = '', ...cure] = refusal.split('\n')
  return { level: 'problem', text: `${where}: ${text}`, cure: cure.join(' ') }
}

function lookAt(
  use: DirectoryFacts['use'],
  variable: DirectoryFacts['variable'],
  path: string,
  inner: readonly string[],
): DirectoryFacts {
  const exists = statSync(path, { throwIfNoEntry: false }) !== undefined
  const refusal = refusalOf(() => {
    // The place of a cache is the user's choice, and may be a link.
    if (exists) refuseOthers(path, use === 'base images' ? statSync(path) : lstatSync(path))
    for (const directory of inner) {
      const stat = lstatSync(directory, { throwIfNoEntry: false })
      if (stat === undefined) continue
      refuseLink(directory, stat)
      refuseOthers(directory, stat)
    }
  })
  return { use, variable, path, exists, refusal, ...lookAtFileSystem(path) }
}

function lookAtLayer(path: string): LayerFacts {
  const refusal = refusalOf(() => checkLayer(path))
  const images = whenReadable(() => namesIn(cacheLayout(path).images))?.length ?? 0
  return { path, images, refusal }
}

function refusalOf(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    return error.message
  }
}
