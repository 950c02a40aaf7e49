/**
 * What crashes: each scenario is a state of the cache and the command of crash-points-child.ts that runs on it. One more
 * scenario is one more entry here, and one more command there when none of them does it.
 */
import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  cacheLayout,
  diskPath,
  ingestDirectory,
  keptDirectory,
  leaseDirectory,
  overlayRuns,
} from '../../src/store/layout.js'
import { markKept } from '../../src/store/lease.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { etagOf } from '../support/mirror-tree.js'
import type { FaultSite, SiteImage } from './fault-site.js'
import type { SystemName } from './fault-images.js'
import type { Directories, Known } from './invariants.js'

export interface Scenario {
  readonly name: string
  /** Of crash-points-child.ts. */
  readonly command: 'fetch-plain' | 'fetch-packed' | 'keep' | 'sweep' | 'collect'
  /** The image that the command gets; undefined when it gets none. */
  readonly image: SystemName | undefined
  /** Commands that run before, undisturbed. */
  readonly before: readonly Scenario['command'][]
  /** Makes what no command makes; returns what is in use from then on. */
  arrange(stage: Directories, site: FaultSite): NonNullable<Known['inUse']>
  /** So many operations it has at least: fewer, and it is not this scenario that ran. */
  readonly leastOperations: number
  /** So many crash points in the short form; 0: one operation of each kind. */
  readonly sampleOf: number
}

const nothing = () => ({})

export const scenarios: readonly Scenario[] = [
  {
    name: 'a download of an image that is packed',
    command: 'fetch-packed',
    image: 'packed',
    before: [],
    arrange: nothing,
    leastOperations: 60,
    sampleOf: 2,
  },
  {
    name: 'a download of an image that is served as it is used',
    command: 'fetch-plain',
    image: 'plain',
    before: [],
    arrange: nothing,
    leastOperations: 60,
    sampleOf: 0,
  },
  {
    name: 'a download that goes on from what a dead process received',
    command: 'fetch-plain',
    image: 'plain',
    before: ['sweep'],
    arrange: (stage, { images }) => {
      leaveDownload(stage, images.plain, { part: 0.5 })
      leaveDownload(stage, images.plain, { part: 0.25 })
      return {}
    },
    leastOperations: 60,
    sampleOf: 3,
  },
  {
    name: 'a download that a dead process ended and did not publish',
    command: 'fetch-plain',
    image: 'plain',
    before: ['sweep'],
    arrange: (stage, { images }) => {
      leaveDownload(stage, images.plain, { disk: 1 })
      return {}
    },
    leastOperations: 50,
    sampleOf: 2,
  },
  {
    name: 'a run that finds its image in the cache, and keeps the disk of a test',
    command: 'keep',
    image: 'plain',
    before: ['fetch-plain'],
    arrange: useIt,
    leastOperations: 20,
    sampleOf: 3,
  },
  {
    name: 'a start that sweeps what dead runs left',
    command: 'sweep',
    image: undefined,
    before: ['fetch-plain'],
    arrange: (stage, site) => {
      for (let run = 0; run < 3; run += 1) leaveRun(stage, site, nobody())
      return { ...keepOne(stage, site), ...useIt(stage, site) }
    },
    leastOperations: 15,
    sampleOf: 3,
  },
  {
    name: 'a collection of what nobody uses',
    command: 'collect',
    image: undefined,
    before: ['fetch-plain', 'fetch-packed'],
    arrange: (stage, site) => {
      leaveRun(stage, site, nobody())
      leaveDownload(stage, site.images.plain, { part: 0.5 })
      return { ...keepOne(stage, site), ...useIt(stage, site) }
    },
    leastOperations: 15,
    sampleOf: 3,
  },
  {
    name: 'an image whose bytes rotted, which makes way for a new one',
    command: 'fetch-plain',
    image: 'plain',
    before: ['fetch-plain'],
    arrange: (stage, { images }) => {
      rot(diskPath(cacheLayout(stage.cacheDir), images.plain.key))
      return {}
    },
    leastOperations: 60,
    sampleOf: 2,
  },
  {
    name: 'an image that was restored with another time, and gets a new stamp',
    command: 'fetch-plain',
    image: 'plain',
    before: ['fetch-plain'],
    arrange: (stage, { images }) => {
      utimesSync(diskPath(cacheLayout(stage.cacheDir), images.plain.key), 1e9, 1e9)
      return {}
    },
    leastOperations: 12,
    sampleOf: 2,
  },
]

/** Scenarios that begin with an image which is not as it was published: that much is no fault of the crash. */
export function isDamagedBefore({ name }: Scenario): boolean {
  return name.startsWith('an image ')
}

/** A download of a process that is gone: the first bytes of the part, or all of the disk. */
function leaveDownload(
  { cacheDir }: Directories,
  image: SiteImage,
  share: { readonly part?: number; readonly disk?: number },
): void {
  const directory = ingestDirectory(cacheLayout(cacheDir), image.key, nobody())
  mkdirSync(join(directory, 'pub'), { recursive: true, mode: 0o700 })
  const validator = etagOf(image.bytes)
  const state = { url: `https:/${image.path}`, validator, totalBytes: image.bytes.length }
  writeFileSync(join(directory, 'state.json'), JSON.stringify(state))
  const bytesOf = (part: number) => image.bytes.subarray(0, image.bytes.length * part)
  if (share.part !== undefined) writeFileSync(join(directory, 'part'), bytesOf(share.part), { mode: 0o600 })
  if (share.disk !== undefined) {
    writeFileSync(join(directory, 'pub', 'disk'), bytesOf(share.disk))
    chmodSync(join(directory, 'pub', 'disk'), 0o444)
  }
}

/** A run with a lease and a disk. */
function leaveRun({ cacheDir, overlayDir }: Directories, { images }: FaultSite, owner: string) {
  const layout = cacheLayout(cacheDir)
  const leaseDir = leaseDirectory(layout, owner)
  const overlays = join(overlayRuns(overlayDir), owner)
  for (const directory of [leaseDir, overlays]) mkdirSync(directory, { recursive: true, mode: 0o700 })
  const [lease, overlay] = [join(leaseDir, `base-${images.plain.key}`), join(overlays, 'disk.qcow2')]
  linkSync(diskPath(layout, images.plain.key), lease)
  writeFileSync(overlay, 'the disk of a test')
  return { leaseDir, lease, overlay }
}

/** This process is alive, so what has its name is in use. */
function useIt(stage: Directories, site: FaultSite): NonNullable<Known['inUse']> {
  const { lease, overlay } = leaveRun(stage, site, newOwner())
  return { [lease]: site.images.plain.sha256, [overlay]: undefined }
}

/** A dead run, one of whose disks was kept. */
function keepOne(stage: Directories, site: FaultSite): NonNullable<Known['inUse']> {
  const { leaseDir, lease } = leaveRun(stage, site, nobody())
  const kept = join(keptDirectory(stage.overlayDir), 'kept-1')
  mkdirSync(kept, { recursive: true })
  for (const name of ['note.json', 'disk.qcow2']) writeFileSync(join(kept, name), '{}')
  markKept(leaseDir, kept)
  return { [lease]: site.images.plain.sha256, [join(kept, 'disk.qcow2')]: undefined }
}

/** One byte of an image changes, and with it the time. */
function rot(disk: string): void {
  const { mode } = statSync(disk)
  const bytes = readFileSync(disk)
  bytes.writeUInt8((bytes.readUInt8(bytes.length - 1) ^ 1) & 0xff, bytes.length - 1)
  chmodSync(disk, 0o600)
  writeFileSync(disk, bytes)
  chmodSync(disk, mode)
}
