/** What holds an image of a layer while a run uses it, whatever its owner does meanwhile. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ImageInput, parseRequest } from '../../src/request/request.js'
import { findPrepared } from '../../src/run/prepared.js'
import { type Run, startRun } from '../../src/run/run.js'
import { Scope } from '../../src/run/scope.js'
import { cacheLayout } from '../../src/store/layout.js'
import { nobody } from '../../src/store/owner.js'
import { sweepDeadRuns } from '../../src/store/run-directory.js'
import { giveToNobody, becomeNobody, isRoot, showToAll } from '../support/nobody.js'
import { acme } from '../support/publisher.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { startWorker } from '../support/worker.js'
import { diskOf, image, type Layered, startLayered } from './layered.js'

const request = parseRequest({ provider: acme })

async function startRunOn({ publisher, options }: Layered, images: readonly ImageInput[] = []): Promise<Run> {
  return startRun({ images }, publisher.context(options))
}

/** As a collector or `rm -rf` of the layer's owner does it. */
function removeByOwner(disk: string): void {
  const images = dirname(dirname(disk))
  for (const directory of [images, dirname(disk)]) chmodSync(directory, 0o755)
  renameSync(dirname(disk), `${images}/../trash/taken`)
  rmSync(`${images}/../trash/taken`, { recursive: true })
}

const testSources = JSON.stringify(new URL('../../', import.meta.url).href)
/** Imports, for a worker that opens a disk over what it finds in the layer. */
const imports = `
  const { existsSync, readdirSync } = await import('node:fs')
  const { makeContext } = await source('context.ts')
  const { openRunDirectory } = await source('store/run-directory.ts')
  const { findPrepared } = await source('run/prepared.ts')
  const { openOverlay } = await source('image/overlay.ts')
  const { parseRequest } = await source('request/request.ts')
  const { acme } = await import(new URL('test/support/publisher.ts', ${testSources}).href)`
/** Says where the base is and what marks its use, and opens a disk. */
const opening = (directory: string, layer: string) => `
  const options = { cacheDir: ${JSON.stringify(join(directory, 'cache'))}, overlayDir: ${JSON.stringify(join(directory, 'overlays'))} }
  const run = await openRunDirectory(makeContext(options, {}))
  const info = { ...options, leaseDir: run.leaseDir, extraCacheDirs: [${JSON.stringify(layer)}], images: {}, errors: {},
    arch: 'x86_64', maxResolveAgeMs: 1e9, minimumTrust: 'checksum', pinning: { file: undefined, isFrozen: false, pins: {} } }
  const base = findPrepared(parseRequest({ provider: acme }), info, undefined)
  const open = () => openOverlay(base, { directory: run.overlayDir })
  console.log('base', existsSync(open().path), base.path, readdirSync(run.leaseDir).join())`

describe('an image of a layer', () => {
  test('is leased by a hard link: its owner may remove it, and the run goes on', async () => {
    await using layered = await startLayered()
    const run = await startRunOn(layered, [{ provider: acme }])
    const disk = diskOf(layered.layer)
    expect(statSync(disk).nlink).toBe(2)
    removeByOwner(disk)
    const scope = new Scope({ name: 'goes on', run: () => run.info })
    const opened = await scope.open({ provider: acme })
    expect(readFileSync(opened.baseImage).equals(image)).toBe(true)
    expect(layered.asked()).toBe(0)
    run.close()
    expect(existsSync(opened.baseImage)).toBe(false)
  })

  test('is not touched by its use: when it was used is the business of its owner', async () => {
    await using layered = await startLayered()
    const directory = dirname(diskOf(layered.layer))
    const then = Date.now() / 1000 - 2 * 86_400
    utimesSync(directory, then, then)
    const before = statSync(directory).mtimeMs
    const run = await startRunOn(layered, [{ provider: acme }])
    findPrepared(request, run.info, undefined)
    expect(statSync(diskOf(layered.layer)).nlink).toBe(2)
    expect(statSync(directory).mtimeMs).toBe(before)
    run.close()
  })

  test('has one link less when the run is over', async () => {
    await using layered = await startLayered()
    const run = await startRunOn(layered)
    findPrepared(request, run.info, undefined)
    run.close()
    expect(statSync(diskOf(layered.layer)).nlink).toBe(1)
  })

  test('stays leased for a disk that is kept, and is given back with it', async () => {
    await using layered = await startLayered()
    const { publisher, layer, options } = layered
    const run = await startRunOn(layered)
    const scope = new Scope({ name: 'fails', run: () => run.info })
    await scope.open({ provider: acme })
    const [kept] = await scope.close({ failed: true, attempt: 1 })
    run.close()
    const leaseDir = String(run.info.leaseDir)
    renameSync(leaseDir, join(dirname(leaseDir), nobody()))
    sweepDeadRuns(publisher.context(options))
    expect(statSync(diskOf(layer)).nlink).toBe(2)
    rmSync(dirname(String(kept?.path)), { recursive: true })
    sweepDeadRuns(publisher.context(options))
    expect(statSync(diskOf(layer)).nlink).toBe(1)
  })

  test('fault 40, protected_hardlinks: a file of another user is read in place, with a marker of this run', async ({
    skip,
  }) => {
    skip(!isRoot, 'root can become another user')
    skip(
      readFileSync('/proc/sys/fs/protected_hardlinks', 'utf8').trim() !== '1',
      'this kernel lets everybody link',
    )
    await using layered = await startLayered()
    const { publisher, layer } = layered
    const own = join(publisher.directory, 'own')
    mkdirSync(own)
    showToAll(publisher.directory)
    giveToNobody(own)
    const disk = diskOf(layer)
    await using worker = startWorker(`${imports}
      ${becomeNobody}
      ${opening(own, layer)}
      const waiting = setInterval(() => {
        if (existsSync(${JSON.stringify(disk)})) return
        clearInterval(waiting)
        try { open() } catch (error) { console.log('then', error.code, error.message.includes(${JSON.stringify(layer)})) }
      }, 10)`)
    const key = readdirSync(cacheLayout(layer).images).join()
    expect(await worker.line(/^base /)).toBe(`base true ${disk} base-${key}.lease`)
    expect(statSync(disk).nlink).toBe(1)
    removeByOwner(disk)
    expect(await worker.line(/^then /)).toBe('then BASE_CHANGED true')
  })

  test('fault 42, another file system: it is read in place, with a marker of this run', async ({ skip }) => {
    skip(!canUnshare, 'this system lets no user unshare')
    await using layered = await startLayered()
    const { publisher, layer } = layered
    const mounted = join(publisher.directory, 'mounted')
    mkdirSync(mounted)
    const key = readdirSync(cacheLayout(layer).images).join()
    const mount = `mount -t tmpfs layer '${mounted}' && cp -a '${layer}/.' '${mounted}'`
    const said = await runUnshared(mount, imports + opening(join(publisher.directory, 'own'), mounted))
    expect(said).toBe(`base true ${diskOf(layer).replace(layer, mounted)} base-${key}.lease`)
  })

  test('that its owner removed is not found any more, and the disks that stand on it lose nothing', async () => {
    await using layered = await startLayered()
    const { layer } = layered
    const run = await startRunOn(layered)
    const first = findPrepared(request, run.info, undefined)
    removeByOwner(diskOf(layer))
    const again = () => findPrepared(request, run.info, undefined)
    expect(again).toThrow(expect.objectContaining({ code: 'NOT_CACHED' }))
    expect(readFileSync(first.path).equals(image)).toBe(true)
    run.close()
  })
})
