/** A packed file of the user's own that changes, or goes, between the moment that it is hashed and that it is unpacked. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { ensureBaseImage } from '../../src/image/ensure-base-image.js'
import { parseRequest } from '../../src/request/request.js'
import { cacheLayout, diskPath } from '../../src/store/layout.js'
import { withLock } from '../../src/store/lock.js'
import { ensureCache } from '../../src/store/root.js'
import { tempDir } from '../support/temp-dir.js'

const pack = (bytes: Buffer) => execFileSync('xz', ['-c'], { input: bytes })
const image = smallQcow2('mine')
const packed = pack(image)
const other = pack(smallQcow2('somebody else has written this'))
const key = `sha256-${createHash('sha256').update(packed).digest('hex')}`

/** Asks for a packed file, to which `change` happens after it was resolved and before anything of it is unpacked. */
async function ensureChanged(change: (file: string) => void) {
  const dir = await tempDir()
  const file = join(dir.path, 'disk.qcow2.xz')
  writeFileSync(file, packed)
  const layout = cacheLayout(join(dir.path, 'cache'))
  ensureCache(layout)
  const waiting = new AbortController()
  const context = makeContext(
    {
      cacheDir: layout.cacheDir,
      overlayDir: join(dir.path, 'overlays'),
      arch: 'x86_64',
      report: ({ type }) => {
        if (type === 'waiting') waiting.abort()
      },
    },
    {},
  )
  const wait = { isDone: () => false, onWait: () => undefined, signal: context.signal }
  let answer: Promise<unknown> = Promise.resolve()
  await withLock(layout, key, wait, async () => {
    answer = ensureBaseImage(parseRequest({ path: file }), undefined, context).catch(
      (error: unknown) => error,
    )
    // Whoever waits for the lock has hashed the file.
    await Promise.race([once(waiting.signal, 'abort'), answer])
    change(file)
  })
  const found = await answer
  await context.http.close()
  return {
    found,
    images: readdirSync(layout.images),
    disk: () => readFileSync(diskPath(layout, key)),
    left: readdirSync(layout.ingest, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('/'),
    ),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

describe('a packed file that was resolved', () => {
  test('and is as it was, is published under its digest', async () => {
    await using ensured = await ensureChanged(() => undefined)
    expect(ensured.images).toEqual([key])
    expect(ensured.disk().equals(image)).toBe(true)
    expect(ensured.left).toEqual([])
  })

  test.each([
    [
      'and replaced by another',
      (file: string) => {
        writeFileSync(`${file}.new`, other)
        renameSync(`${file}.new`, file)
      },
    ],
    ['and written to where it lies', (file: string) => writeFileSync(file, other)],
  ])('%s, is never published under the digest of the first', async (_, change) => {
    await using ensured = await ensureChanged(change)
    expect(ensured.found).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringMatching(/disk\.qcow2\.xz".*changed.*\nRun again when/s),
    })
    expect(ensured).toMatchObject({ images: [], left: [] })
  })

  test('and removed, is a file that is not found', async () => {
    await using ensured = await ensureChanged((file) => rmSync(file))
    expect(ensured.found).toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringMatching(/disk\.qcow2\.xz".*\n/),
    })
    expect(ensured).toMatchObject({ images: [], left: [] })
  })
})
