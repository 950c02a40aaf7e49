/** The judge itself: it is silent about a healthy cache, and each invariant has a case in which it speaks up. */
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVmImage } from '../../src/image/open.js'
import { defineProvider } from '../../src/providers/index.js'
import { type CacheLayout, cacheLayout, diskPath, metaPath } from '../../src/store/layout.js'
import { identity } from '../../src/store/own-lock.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { startMirror } from '../support/mirror.js'
import { type TempDir, tempDir } from '../support/temp-dir.js'
import { definitions } from './fault-images.js'
import { faultSite } from './fault-site.js'
import { brokenInvariants, type Directories, leftovers } from './invariants.js'

const site = faultSite(2 * 65_536)
const { key, sha256 } = site.images.packed
let directory: TempDir
let stage: Directories
let layout: CacheLayout

/** A cache with one image, packed, and nothing else. */
beforeAll(async () => {
  directory = await tempDir()
  stage = { cacheDir: join(directory.path, 'cache'), overlayDir: join(directory.path, 'overlays') }
  layout = cacheLayout(stage.cacheDir)
  await using mirror = await startMirror(site.files)
  const provider = defineProvider(definitions.packed)
  await using image = await openVmImage({ provider }, { ...stage, mirror: mirror.url, arch: 'x86_64' })
  expect(image.digest).toBe(key.replace('-', ':'))
})
afterAll(() => directory[Symbol.asyncDispose]())

const files = () => ({ disk: diskPath(layout, key), meta: metaPath(layout, key) })

/** Puts a file somewhere, looks, and takes it away again. */
function withFile(path: string, content: string, look: () => void): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  look()
  rmSync(path)
}

const disks = { [key]: sha256 }

test('nothing is wrong with a cache that was used and given back', () => {
  expect(brokenInvariants(stage, { disks })).toEqual([])
  expect(leftovers(stage)).toEqual([])
})

describe('I1 and I3, an image:', () => {
  test('one that was written to is told of, by its bytes and by its time', () => {
    const { disk } = files()
    const bytes = readFileSync(disk)
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(70_000) ^ 1, 70_000)
    rewrite(disk, changed)
    expect(brokenInvariants(stage)).toEqual([
      `I1: the stamp of ${key} does not fit`,
      expect.stringMatching(/^I1: the bytes of sha256-\w+ have the sha256 \w+$/),
    ])
    rewrite(disk, bytes)
    expect(brokenInvariants(stage)).toEqual([`I1: the stamp of ${key} does not fit`])
    const { mtimeNs } = (JSON.parse(readFileSync(files().meta, 'utf8')) as Meta).content
    restamp(mtimeNs)
  })

  test('one that can be written to is told of', () => {
    const { disk, meta } = files()
    for (const file of [disk, meta]) chmodSync(file, 0o644)
    expect(brokenInvariants(stage)).toEqual([
      `I1: the disk of ${key} has mode 644`,
      `I1: the meta.json of ${key} has mode 644`,
    ])
    for (const file of [disk, meta]) chmodSync(file, 0o444)
  })

  test('one that unpacked to other bytes than the publisher packed is told of', () => {
    const found = brokenInvariants(stage, { disks: { [key]: 'other' } })
    expect(found).toEqual([`I1: ${key} unpacked to other bytes, ${sha256}`])
  })

  test.each([
    ['a torn', '{"source": '],
    ['no', undefined],
  ])('one with %s meta.json is told of', (_, text) => {
    const { meta } = files()
    aside(meta, text, () =>
      expect(brokenInvariants(stage)).toEqual([`I1: the meta.json of ${key} cannot be read`]),
    )
  })

  test('one that says another digest than its name is told of', () => {
    const { meta } = files()
    const text = readFileSync(meta, 'utf8').replaceAll(key.replace('-', ':'), 'sha256:00')
    aside(meta, text, () =>
      expect(brokenInvariants(stage)).toContain(`I3: ${key} says that its digest is sha256:00`),
    )
  })

  test('one without its disk is told of', () => {
    aside(files().disk, undefined, () => expect(brokenInvariants(stage)).toEqual([`I1: ${key} has no disk`]))
  })
})

test('I2: a part that two could write to is told of, and so is a disk that is leased too early', () => {
  const ingest = join(layout.ingest, key, newOwner())
  mkdirSync(join(ingest, 'pub'), { recursive: true })
  for (const [name, other] of [
    ['part', 'second'],
    ['pub/disk', 'third'],
  ] as const) {
    writeFileSync(join(ingest, name), '')
    linkSync(join(ingest, name), join(directory.path, other))
  }
  expect(brokenInvariants(stage)).toEqual([
    `I2: ${ingest}/part has 2 names`,
    `I2: ${ingest}/pub/disk is leased and can be written`,
  ])
  rmSync(dirname(ingest), { recursive: true })
})

test('I4: what is in use and gone, or other bytes, is told of', () => {
  const disk = diskPath(layout, key)
  const gone = join(directory.path, 'gone')
  expect(brokenInvariants(stage, { inUse: { [gone]: undefined, [disk]: sha256 } })).toEqual([
    `I4: ${gone} is in use, and gone`,
  ])
  expect(brokenInvariants(stage, { inUse: { [disk]: 'other' } })).toEqual([
    `I4: ${disk} is in use, and other bytes`,
  ])
})

test('I5 and I7: an entry that does not say whose it is is told of', () => {
  for (const place of [layout.trash, layout.runs, join(layout.ingest, key)]) {
    const path = join(place, 'somebody')
    withFile(path, '', () =>
      expect(brokenInvariants(stage)).toEqual([`I7: ${path} does not say whose it is`]),
    )
  }
})

test('I6: a lock that nobody could take over is told of, and a record of no lock', () => {
  withFile(join(layout.locks, 'k.lock', 'file'), '', () =>
    expect(brokenInvariants(stage)).toEqual(['I6: the lock k.lock is not empty']),
  )
  rmSync(join(layout.locks, 'k.lock'), { recursive: true })
  withFile(join(layout.locks, 'k.owner.json'), '{"owner": "me"}', () =>
    expect(brokenInvariants(stage)).toEqual([
      'I6: the record k.owner.json does not say of which lock it speaks',
    ]),
  )
})

test.each([
  ['a download', () => join(layout.ingest, key, nobody(), 'part')],
  ['an image on its way out', () => join(layout.trash, nobody(), 'disk')],
  ['a lease', () => join(layout.runs, nobody(), `base-${key}`)],
  ['a disk', () => join(stage.overlayDir, 'run', nobody(), 'disk.qcow2')],
  ['a kept disk without a note', () => join(stage.overlayDir, 'kept', nobody(), 'disk.qcow2')],
])('I9: %s of a dead process is told of', (_, pathOf) => {
  const path = pathOf()
  withFile(path, '', () => expect(leftovers(stage)).toHaveLength(1))
  rmSync(dirname(path), { recursive: true })
  expect(leftovers(stage)).toEqual([])
})

test.each([
  ['a resolution', () => join(layout.resolved, `r.json.${nobody()}`)],
  ['a key', () => join(layout.keys, `k.key.${nobody()}`)],
  ['a meta.json', () => `${metaPath(layout, key)}.${nobody()}`],
])('I9: a draft of %s is told of', (_, pathOf) => {
  withFile(pathOf(), '', () => expect(leftovers(stage)).toHaveLength(1))
})

test('I9: the lock of a dead process is told of, with its record', () => {
  const lock = join(layout.locks, 'k.lock')
  mkdirSync(lock, { recursive: true })
  const record = { owner: nobody(), lock: identity(lock) }
  withFile(join(layout.locks, 'k.owner.json'), JSON.stringify(record), () =>
    expect(leftovers(stage)).toEqual(['locks/k.lock', 'locks/k.owner.json']),
  )
  rmSync(lock, { recursive: true })
})

test('I9: what a living process has is not told of, and no lease that a kept disk needs', () => {
  const kept = join(stage.overlayDir, 'kept', 'test-1')
  mkdirSync(kept, { recursive: true })
  const leases = join(layout.runs, nobody())
  withFile(join(layout.ingest, key, newOwner(), 'part'), '', () =>
    withFile(join(leases, 'kept-1'), kept, () => expect(leftovers(stage)).toEqual([])),
  )
  withFile(join(leases, 'kept-1'), join(kept, 'gone'), () => expect(leftovers(stage)).toHaveLength(1))
  for (const path of [leases, kept, layout.ingest]) rmSync(path, { recursive: true })
})

test('I10: a file of somebody else that is gone, or was written to, is told of', () => {
  const path = join(layout.images, 'theirs.txt')
  expect(brokenInvariants(stage, { foreign: { [path]: 'theirs' } })).toEqual([
    `I10: ${path} is not ours, and gone`,
  ])
  withFile(path, 'ours', () =>
    expect(brokenInvariants(stage, { foreign: { [path]: 'theirs' } })).toEqual([
      `I10: ${path} is not ours, and was written to`,
    ]),
  )
})

interface Meta {
  readonly content: { readonly mtimeNs: string }
}

function rewrite(file: string, bytes: Buffer): void {
  chmodSync(file, 0o644)
  writeFileSync(file, bytes)
  chmodSync(file, 0o444)
}

/** Puts another text in the place of a file (undefined: nothing) while it is looked at. */
function aside(file: string, text: string | undefined, look: () => void): void {
  const place = join(directory.path, 'aside')
  renameSync(file, place)
  if (text !== undefined) writeFileSync(file, text, { mode: 0o444 })
  look()
  renameSync(place, file)
}

/** The time as it was: its nanoseconds cannot be set from here, so meta.json follows the disk. */
function restamp(published: string): void {
  const disk = diskPath(layout, key)
  utimesSync(disk, 1e9, 1e9)
  const text = readFileSync(metaPath(layout, key), 'utf8').replace(published, '1000000000000000000')
  rewrite(metaPath(layout, key), Buffer.from(text))
}
