import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { localBaseImage } from '../../src/image/local-image.js'
import { openVmImage } from '../../src/image/open.js'
import { openOverlay } from '../../src/image/overlay.js'
import { moveOverlay } from '../../src/image/vm-image.js'
import { parseRequest } from '../../src/request/request.js'
import { cacheLayout, overlayRuns } from '../../src/store/layout.js'
import { acme, startPublisher } from '../support/publisher.js'
import { startWorker } from '../support/worker.js'

const bytes = smallQcow2('acme 1')

describe('openVmImage()', () => {
  test('gives two images with one base and two paths, and leaves nothing of either', async () => {
    await using publisher = await startPublisher({ '1': bytes })
    const { options } = publisher
    {
      await using one = await openVmImage({ provider: acme }, options)
      await using two = await openVmImage({ provider: acme }, options)
      expect(one.path).not.toBe(two.path)
      expect(statSync(one.baseImage).ino).toBe(statSync(two.baseImage).ino)
      expect(basename(one.path)).toMatch(/^acme-1\.x86_64-[0-9a-f]{8}\.qcow2$/)
      expect(statSync(one.path).mode & 0o777).toBe(0o600)
    }
    expect(readdirSync(overlayRuns(String(options.overlayDir)))).toEqual([])
    expect(readdirSync(cacheLayout(String(options.cacheDir)).runs)).toEqual([])
  })

  test('is the text of what it is', async () => {
    await using publisher = await startPublisher({ '1': bytes })
    await using image = await openVmImage({ provider: acme }, publisher.options)
    expect(String(image)).toBe('<Image name=Acme version=1 arch=x86_64>')
    expect(inspect(image)).toBe('<Image name=Acme version=1 arch=x86_64>')
  })

  test('makes the disk as large as asked, and not smaller than its base', async () => {
    await using publisher = await startPublisher({ '1': bytes })
    await using image = await openVmImage({ provider: acme, size: '20G' }, publisher.options)
    expect(image.virtualSizeBytes).toBe(20 * 1024 ** 3)
    await expect(openVmImage({ provider: acme, size: '1M' }, publisher.options)).rejects.toMatchObject({
      code: 'SIZE_TOO_SMALL',
    })
    expect(readdirSync(overlayRuns(String(publisher.options.overlayDir)))).toHaveLength(1)
  })

  test('can be disposed of twice, and of a disk that is gone', async () => {
    await using publisher = await startPublisher({ '1': bytes })
    const image = await openVmImage({ provider: acme }, publisher.options)
    rmSync(image.path)
    await image.dispose()
    await image[Symbol.asyncDispose]()
  })

  test('moveOverlay() takes the disk out of what is deleted', async () => {
    await using publisher = await startPublisher({ '1': bytes })
    const image = await openVmImage({ provider: acme }, publisher.options)
    moveOverlay(image, publisher.directory)
    await image.dispose()
    const { path } = image
    expect(dirname(path)).toBe(publisher.directory)
    expect(existsSync(path)).toBe(true)
  })

  test('leaves nothing behind when it fails', async () => {
    await using publisher = await startPublisher({ '1': bytes })
    await expect(openVmImage({ provider: acme, version: '9' }, publisher.options)).rejects.toMatchObject({
      code: 'NO_MATCH',
    })
    expect(readdirSync(overlayRuns(String(publisher.options.overlayDir)))).toEqual([])
  })

  test('the next call sweeps what a killed process left', async () => {
    await using publisher = await startPublisher({ '1': bytes })
    const { mirror, cacheDir, overlayDir } = publisher.options
    await using worker = startWorker(`
      const { openVmImage } = await source('image/open.ts')
      const { acme } = await import(new URL('test/support/publisher.ts', ${JSON.stringify(new URL('../../', import.meta.url).href)}).href)
      const image = await openVmImage({ provider: acme }, ${JSON.stringify({ mirror, cacheDir, overlayDir, arch: 'x86_64' })})
      console.log('opened ' + image.path)
      setInterval(() => {}, 1000)`)
    const left = (await worker.line(/^opened /)).slice('opened '.length)
    worker.kill('SIGKILL')
    await worker.ended()
    expect(existsSync(left)).toBe(true)
    await using _ = await openVmImage({ provider: acme }, publisher.options)
    expect(existsSync(left)).toBe(false)
  })
})

describe('openOverlay()', () => {
  test('refuses a base that was written to since it was verified', async () => {
    await using publisher = await startPublisher({})
    const base = await localBase(publisher.directory)
    chmodSync(base.path, 0o644)
    writeFileSync(base.path, Buffer.concat([bytes, Buffer.alloc(512)]))
    expect(() => openOverlay(base, { directory: publisher.directory })).toThrow(
      expect.objectContaining({ code: 'BASE_CHANGED', message: expect.stringContaining('wrote to it') }),
    )
    expect(readdirSync(publisher.directory)).toEqual(['base.qcow2'])
  })

  test('refuses a base that is gone', async () => {
    await using publisher = await startPublisher({})
    const base = await localBase(publisher.directory)
    rmSync(base.path)
    expect(() => openOverlay(base, { directory: publisher.directory })).toThrow(
      expect.objectContaining({ code: 'BASE_CHANGED', message: expect.stringContaining('gone') }),
    )
  })
})

async function localBase(directory: string) {
  const path = join(directory, 'base.qcow2')
  writeFileSync(path, bytes)
  const request = parseRequest(path)
  if (request.kind !== 'file') throw new Error('a path is a file request')
  return localBaseImage(request, makeContext({ cacheDir: directory, overlayDir: directory }, {}))
}
