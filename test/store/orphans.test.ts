/** What dead processes leave is swept at the next start, and nothing of the living. */
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startRun } from '../../src/run/run.js'
import { openIngest } from '../../src/store/ingest.js'
import { keptDirectory, leasePath, lockOwnerPath, lockPath } from '../../src/store/layout.js'
import { findHolder, forgetHolder, recordHolder } from '../../src/store/lock-holder.js'
import { identity } from '../../src/store/own-lock.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { findOrphans, sweepOrphans } from '../../src/store/orphans.js'
import { openRunDirectory } from '../../src/store/run-directory.js'
import { cacheOfImages, keyOf } from '../support/cached-images.js'
import { startWorker } from '../support/worker.js'

const weekAgo = Date.now() / 1000 - 8 * 86_400

describe('sweepOrphans()', () => {
  test('fault 6, 8, a process dies with all that it can have open: the next start leaves nothing of it', async () => {
    await using cache = await cacheOfImages()
    const { cacheDir, overlayDir } = cache.context
    const key = cache.publish('published')
    await using worker = startWorker(`
      const { mkdirSync, writeFileSync } = await import('node:fs')
      const { join } = await import('node:path')
      const { makeContext } = await source('context.ts')
      const { openIngest } = await source('store/ingest.ts')
      const { cacheLayout, imageDirectory, lockPath } = await source('store/layout.ts')
      const { takeLease } = await source('store/lease.ts')
      const { recordHolder } = await source('store/lock-holder.ts')
      const { identity } = await source('store/own-lock.ts')
      const { newOwner } = await source('store/owner.ts')
      const { openRunDirectory } = await source('store/run-directory.ts')
      const { moveToTrash } = await source('store/trash.ts')
      const context = makeContext(${JSON.stringify({ cacheDir, overlayDir })}, {})
      const layout = cacheLayout(context.cacheDir)
      const run = await openRunDirectory(context)
      takeLease(layout, run.leaseDir, ${JSON.stringify(key)})
      writeFileSync(join(run.overlayDir, 'a.qcow2'), 'overlay')
      writeFileSync(join(openIngest(layout, ${JSON.stringify(key)}).directory, 'part'), 'bytes')
      mkdirSync(lockPath(layout, 'k'))
      recordHolder(layout, 'k', identity(lockPath(layout, 'k')))
      for (const draft of [layout.resolved + '/x.json.', layout.keys + '/F.key.', layout.locks + '/k.owner.json.',
        imageDirectory(layout, ${JSON.stringify(key)}) + '/meta.json.', layout.versionDir + '/collected.',
        imageDirectory(layout, ${JSON.stringify(key)}) + '/used.'])
        writeFileSync(draft + newOwner(), '')
      mkdirSync(join(context.overlayDir, 'kept', newOwner()))
      mkdirSync(join(layout.versionDir, 'old'))
      moveToTrash(layout, join(layout.versionDir, 'old'))
      writeFileSync(join(layout.locks, 'gc'), newOwner())
      console.log('ready')
      setInterval(() => undefined, 1000)`)
    await worker.line(/^ready/)
    expect(findOrphans(cache.context)).toEqual([])
    worker.kill('SIGKILL')
    await worker.ended()
    const run = await startRun({ images: [] }, cache.context)
    const dead = [cacheDir, overlayDir]
      .flatMap((top) => readdirSync(top, { recursive: true, encoding: 'utf8' }))
      .filter((name) => name.includes(`-${worker.pid}-`))
    expect(dead).toEqual([])
    expect(readdirSync(cache.layout.locks)).toEqual([])
    expect(findOrphans(cache.context)).toEqual([])
    run.close()
  })

  test('a download that can be gone on with stays for a week', async () => {
    await using cache = await cacheOfImages()
    const ingest = openIngest(cache.layout, 'sha256-aa')
    writeFileSync(join(ingest.directory, 'part'), 'bytes')
    ingest.abandon()
    expect(sweepOrphans(cache.context)).toEqual([])
    const parent = join(cache.layout.ingest, 'sha256-aa')
    const [name = ''] = readdirSync(parent)
    const path = join(parent, name)
    utimesSync(join(path, 'part'), weekAgo, weekAgo)
    utimesSync(path, weekAgo, weekAgo)
    expect(sweepOrphans(cache.context)).toEqual([{ kind: 'partial', path }])
    expect(readdirSync(parent)).toEqual([])
  })

  test('half of an import is swept at once, when its process is dead', async () => {
    await using cache = await cacheOfImages()
    const alive = openIngest(cache.layout, 'import-aa')
    const dead = join(cache.layout.ingest, 'import-aa', nobody())
    mkdirSync(dead)
    expect(sweepOrphans(cache.context)).toEqual([{ kind: 'partial', path: dead }])
    expect(existsSync(alive.directory)).toBe(true)
  })

  test('a link in the place of downloads is passed over, and what it leads to stays', async () => {
    await using cache = await cacheOfImages()
    const theirs = join(cache.directory, 'theirs')
    const left = join(theirs, nobody())
    mkdirSync(left, { recursive: true })
    symlinkSync(theirs, join(cache.layout.ingest, keyOf('there')))
    cache.publish('elsewhere')
    rmSync(join(cache.layout.ingest, keyOf('elsewhere')), { recursive: true })
    symlinkSync(theirs, join(cache.layout.ingest, keyOf('elsewhere')))
    expect(sweepOrphans(cache.context)).toEqual([])
    expect(existsSync(left)).toBe(true)
  })

  test('a download of an image that is there by now is of no use, but that of a living process', async () => {
    await using cache = await cacheOfImages()
    openIngest(cache.layout, keyOf('there')).abandon()
    const alive = openIngest(cache.layout, keyOf('there'))
    openIngest(cache.layout, keyOf('there')).abandon()
    cache.publish('there')
    mkdirSync(join(cache.layout.ingest, keyOf('there'), nobody()))
    const swept = sweepOrphans(cache.context).map(({ kind }) => kind)
    expect(new Set(swept)).toEqual(new Set(['partial']))
    expect(readdirSync(join(cache.layout.ingest, keyOf('there')))).toEqual([
      alive.directory.split('/').at(-1),
    ])
  })

  test('the lock of a living holder stays, and so does its record', async () => {
    await using cache = await cacheOfImages()
    mkdirSync(lockPath(cache.layout, 'k'))
    recordHolder(cache.layout, 'k', identity(lockPath(cache.layout, 'k')))
    const record = lockOwnerPath(cache.layout, 'k')
    expect(findOrphans(cache.context)).toEqual([])
    expect(forgetHolder(cache.layout, record)).toBe(false)
    expect(findHolder(cache.layout, 'k')).toBeDefined()
  })

  test('a lock that a living process took after a dead one stays when the record of the dead is swept', async () => {
    await using cache = await cacheOfImages()
    const record = lockOwnerPath(cache.layout, 'k')
    writeFileSync(record, JSON.stringify({ owner: nobody(), lock: '1:1' }))
    mkdirSync(lockPath(cache.layout, 'k'))
    expect(sweepOrphans(cache.context)).toEqual([{ kind: 'lock', path: record }])
    expect(existsSync(lockPath(cache.layout, 'k'))).toBe(true)
  })

  test('leaves the run of a living process alone, with its drafts', async () => {
    await using cache = await cacheOfImages()
    await using run = await openRunDirectory(cache.context)
    writeFileSync(join(String(run.leaseDir), `draft-${newOwner()}`), '')
    mkdirSync(join(keptDirectory(cache.context.overlayDir), newOwner()))
    writeFileSync(leasePath(String(run.leaseDir), 'k'), '')
    const trash = join(cache.layout.trash, newOwner())
    mkdirSync(trash)
    expect(sweepOrphans(cache.context)).toEqual([])
    // Trash of a living process that has had ten minutes for it.
    const later = { ...cache.context, now: () => Date.now() + 11 * 60_000 }
    expect(sweepOrphans(later)).toEqual([{ kind: 'trash', path: trash }])
  })
})
