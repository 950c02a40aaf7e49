import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cacheLayout, diskPath, imageDirectory, leasePath } from '../../src/store/layout.js'
import { dropLease, isKept, markKept, takeLease } from '../../src/store/lease.js'
import { ensureCache } from '../../src/store/root.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'

const key = 'sha256-aa'

function makeCache(directory: string) {
  const layout = cacheLayout(directory)
  ensureCache(layout)
  mkdirSync(imageDirectory(layout, key))
  writeFileSync(diskPath(layout, key), 'image')
  const leaseDir = join(layout.runs, 'me')
  mkdirSync(leaseDir)
  return { layout, leaseDir }
}

describe('takeLease()', () => {
  test('fault 48, somebody deletes the leases of a living run: they are made again', async () => {
    await using dir = await tempDir()
    const { layout, leaseDir } = makeCache(dir.path)
    rmSync(layout.runs, { recursive: true })
    expect(takeLease(layout, leaseDir, key)).toBe(leasePath(leaseDir, key))
    expect(statSync(diskPath(layout, key)).nlink).toBe(2)
    expect(statSync(leaseDir).mode & 0o777).toBe(0o700)
  })

  test('makes no lease directory for an image that is not there', async () => {
    await using dir = await tempDir()
    const { layout, leaseDir } = makeCache(dir.path)
    rmSync(leaseDir, { recursive: true })
    expect(takeLease(layout, leaseDir, 'sha256-bb')).toBeUndefined()
    expect(existsSync(leaseDir)).toBe(false)
  })

  test('fault 42, leases are on another file system than the images: a mark is left, and the image read where it is', async ({
    skip,
  }) => {
    await using dir = await tempDir()
    const isElsewhere = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(dir.path).dev
    skip(!isElsewhere, 'this system has no second file system (/dev/shm) to link to')
    const { layout } = makeCache(dir.path)
    const leaseDir = mkdtempSync('/dev/shm/vmimage-test-')
    try {
      expect(takeLease(layout, leaseDir, 'sha256-bb')).toBeUndefined()
      expect(takeLease(layout, leaseDir, key)).toBe(diskPath(layout, key))
      expect(readdirSync(leaseDir)).toEqual([`base-${key}.lease`])
      dropLease(leaseDir, key)
      expect(readdirSync(leaseDir)).toEqual([])
    } finally {
      rmSync(leaseDir, { recursive: true })
    }
  })
})

describe('isKept()', () => {
  test('knows a kept overlay for as long as it is there', async () => {
    await using dir = await tempDir()
    const kept = join(dir.path, 'kept')
    mkdirSync(kept)
    expect(isKept(dir.path)).toBe(false)
    markKept(dir.path, kept)
    expect(isKept(dir.path)).toBe(true)
    rmSync(kept, { recursive: true })
    expect(isKept(dir.path)).toBe(false)
  })

  test('passes over a mark that goes while it is read', async () => {
    await using dir = await tempDir()
    symlinkSync(join(dir.path, 'gone'), join(dir.path, 'kept-0'))
    expect(isKept(dir.path)).toBe(false)
    expect(isKept(join(dir.path, 'gone'))).toBe(false)
  })

  test('keeps what it cannot read', async () => {
    await using dir = await tempDir()
    mkdirSync(join(dir.path, 'kept-0'))
    writeFileSync(join(dir.path, 'a-file'), '')
    expect(isKept(dir.path)).toBe(true)
    expect(isKept(join(dir.path, 'a-file'))).toBe(true)
  })

  test('never sees half of a mark', async () => {
    await using dir = await tempDir()
    markKept(dir.path, dir.path)
    await using worker = startWorker(`
      const { markKept } = await source('store/lease.ts')
      console.log('marking')
      for (;;) markKept(${JSON.stringify(dir.path)}, ${JSON.stringify(dir.path)})`)
    await worker.line(/^marking/)
    expect(Array.from({ length: 5000 }, () => isKept(dir.path)).filter((kept) => !kept)).toEqual([])
  })
})
