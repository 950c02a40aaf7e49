/**
 * A disk that is full at any step: a tmpfs with so many inodes, or so many pages, and no more. Without root, in a
 * namespace of its own.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { startPublisher } from '../support/publisher.js'
import { serve } from '../support/signed.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { openingCode } from './opening.js'

const noMounts = 'this system lets nobody but root mount in a namespace (unshare -rm)'
const image = smallQcow2('acme 1')

/** Opens an image on a new tmpfs for each of these options of mount(8), and once more when that has room again. */
function onEach(mounts: readonly string[], ask = '{ provider: acme }'): string {
  return `
    const { execFileSync } = await import('node:child_process')
    const { mkdirSync, readdirSync } = await import('node:fs')
    const { listImages } = await source('store/store.ts')
    const open = async (directory) => {
      const image = await openVmImage(${ask}, { ...options, cacheDir: directory + '/cache', overlayDir: directory + '/overlays' })
      await image[Symbol.asyncDispose]()
    }
    const results = []
    for (const [index, mount] of ${JSON.stringify(mounts)}.entries()) {
      const directory = options.cacheDir + index
      mkdirSync(directory)
      execFileSync('mount', ['-t', 'tmpfs', '-o', mount, 'tmpfs', directory])
      const failed = await failure(open(directory))
      execFileSync('mount', ['-o', 'remount,size=64m,nr_inodes=1000', directory])
      const again = await failure(open(directory))
      const { ingest } = cacheLayout(directory + '/cache')
      const left = readdirSync(ingest, { recursive: true }).filter((name) => name.includes('/'))
      const images = listImages(cacheLayout(directory + '/cache')).length
      execFileSync('umount', [directory])
      results.push({ mount, failed, again, left, images })
    }
    console.log(JSON.stringify(results))`
}

interface Result {
  readonly mount: string
  readonly failed: string
  readonly again: string
  readonly left: readonly string[]
  readonly images: number
}

/** That a full disk is always NO_SPACE with a cure, and that with room again all is well and nothing is left over. */
function expectClear(results: readonly Result[]): void {
  const odd = results.filter(
    ({ failed, again, left, images }) =>
      !/^none$|^NO_SPACE .*(?:Free some space|Make room)/.test(failed) ||
      again !== 'none' ||
      left.length > 0 ||
      images !== 1,
  )
  expect(odd).toEqual([])
  expect([results[0]?.failed, results.at(-1)?.failed]).toEqual([expect.stringMatching(/^NO_SPACE/), 'none'])
}

test('fault 35, the disk has no room for one more file, at any step from the first directory to the overlay: NO_SPACE, and nothing is left', async ({
  skip,
}) => {
  skip(!canUnshare, noMounts)
  await using publisher = await startPublisher({ '1': image })
  const mounts = Array.from({ length: 40 }, (_, index) => `size=64m,nr_inodes=${index + 2}`)
  const said = await runUnshared('true', openingCode(publisher) + onEach(mounts))
  expectClear(JSON.parse(said) as readonly Result[]) // what onEach() prints
}, 120_000)

test('fault 35, the disk has no room for one more byte, at any page of image, notes and overlay: NO_SPACE, and nothing is left', async ({
  skip,
}) => {
  skip(!canUnshare, noMounts)
  await using publisher = await startPublisher({ '1': image })
  const pages = Math.ceil(image.length / 4096)
  const sizes = [1, 2, 4, 8, pages - 1, ...Array.from({ length: 16 }, (_, more) => pages + more), 4 * pages]
  const mounts = sizes.map((size) => `size=${4 * size}k,nr_inodes=1000`)
  const said = await runUnshared('true', openingCode(publisher) + onEach(mounts))
  expectClear(JSON.parse(said) as readonly Result[])
}, 120_000)

test('fault 36, the disk is too small for what comes out of a packed image: NO_SPACE while it is written, and nothing is published', async ({
  skip,
}) => {
  skip(!canUnshare, noMounts)
  const disk = Buffer.concat([Buffer.alloc(20_000_000), randomBytes(3_000_000)])
  const packed = execFileSync('xz', ['-c', '-0'], { input: disk, maxBuffer: 2 ** 26 })
  await using publisher = await startPublisher({ '1': image })
  const ask = `{ url: 'https://acme.example.org/disk.raw.xz', format: 'raw', minimumTrust: 'unverified' }`
  serve(publisher, { '/acme.example.org/disk.raw.xz': packed })
  const mounts = ['size=5m,nr_inodes=1000', 'size=8m,nr_inodes=1000']
  const said = await runUnshared('true', openingCode(publisher) + onEach(mounts, ask))
  expectClear(JSON.parse(said) as readonly Result[])
}, 120_000)
