/** What the fuzz does to a cache from outside, and what it looks at: for the shipped layout, and for the naive one. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeContext } from '../../src/context.js'
import { systemErrorCode } from '../../src/errors.js'
import { cacheLayout, imageDirectory, trashPath } from '../../src/store/layout.js'
import { nobody } from '../../src/store/owner.js'
import { collectCache } from '../../src/store/collect.js'
import { sweepOrphans } from '../../src/store/orphans.js'
import type { SystemName } from './fault-images.js'
import type { FaultSite } from './fault-site.js'
import { brokenInvariants, hashOf, leftovers } from './invariants.js'

export interface FuzzTarget {
  /** Takes the image away as a collector does; what was wrong with it, undefined when there was none. */
  evict(name: SystemName): readonly string[] | undefined
  /** Lets the collector remove all that nobody uses; how many images went. */
  collect(): Promise<number>
  removeLocks(): void
  removeIngests(name: SystemName): void
  /** When nobody works any more. */
  wrongAtTheEnd(): readonly string[]
}

export function targetOf(mode: 'lock' | 'nolock' | 'naive', work: string, site: FaultSite): FuzzTarget {
  return mode === 'naive' ? naiveTarget(work, site) : shippedTarget(work, site)
}

function shippedTarget(work: string, { images }: FaultSite): FuzzTarget {
  const stage = { cacheDir: join(work, 'cache'), overlayDir: join(work, 'overlays') }
  const context = makeContext(stage, {})
  const layout = cacheLayout(stage.cacheDir)
  const disks = Object.fromEntries(Object.values(images).map(({ key, sha256 }) => [key, sha256]))
  return {
    evict(name) {
      const grave = trashPath(layout, nobody())
      if (!tryRename(imageDirectory(layout, images[name].key), grave)) return undefined
      // Nobody else knows the grave, so it can be looked at in peace.
      const inPeace = join(work, 'evicted', 'v1', 'images')
      mkdirSync(inPeace, { recursive: true })
      renameSync(grave, join(inPeace, images[name].key))
      const wrong = brokenInvariants({ ...stage, cacheDir: join(work, 'evicted') }, { disks })
      rmSync(join(work, 'evicted'), { recursive: true })
      return wrong
    },
    collect: async () => {
      // Two hours from now nothing is too young to go.
      const later = { ...context, now: () => Date.now() + 7_200_000 }
      return (await collectCache(later, { all: true }))?.go.length ?? 0
    },
    removeLocks: () => removeInUse(layout.locks),
    removeIngests: (name) => removeInUse(join(layout.ingest, images[name].key)),
    wrongAtTheEnd() {
      // Partials of images that nobody fetched in the end wait a week for somebody who does.
      sweepOrphans({ ...context, now: () => Date.now() + 8 * 86_400_000 })
      const left = leftovers(stage)
      return [...brokenInvariants(stage, { disks }), ...left.map((path) => `I9: ${path} is left`)]
    },
  }
}

function naiveTarget(work: string, { images }: FaultSite): FuzzTarget {
  const pathOf = (name: SystemName) => join(work, 'cache', 'naive', name, 'disk')
  return {
    evict(name) {
      const grave = join(work, 'grave')
      if (!tryRename(pathOf(name), grave)) return undefined
      const isRight = hashOf(grave) === images[name].key.replace('sha256-', '')
      const size = readFileSync(grave).length
      rmSync(grave)
      return isRight
        ? []
        : [`${name} has ${size} bytes of ${images[name].bytes.length}, and not the right ones`]
    },
    collect: () => Promise.resolve(0),
    removeLocks: () => undefined,
    removeIngests: (name) => rmSync(`${pathOf(name)}.incomplete`, { force: true }),
    wrongAtTheEnd: () => [],
  }
}

function tryRename(from: string, to: string): boolean {
  mkdirSync(dirname(to), { recursive: true })
  if (!existsSync(from)) return false
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false
    throw error
  }
}

/** As `rm -rf` does while somebody writes there: it may find the directory filled again. */
function removeInUse(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOTEMPTY') throw error
  }
}
