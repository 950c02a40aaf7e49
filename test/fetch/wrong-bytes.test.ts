/**
 * Servers that send other bytes than the ones asked for, or another number of them: none of them ever passes.
 */
import { expect, test } from 'vitest'
import { image, sha256, startDownloading } from '../support/downloading.js'
import { errorOf } from '../support/error-of.js'
import { startMirror } from '../support/mirror.js'

const size = image.length

test('An endless body is left at one byte more than the size', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { endless: true }, Infinity)
  const error = await errorOf(downloading.run([`${mirror.url}/file`]))
  expect([error.code, error.message]).toEqual([
    'DIGEST_MISMATCH',
    expect.stringContaining(`more than ${size} bytes`),
  ])
  expect(mirror.requests).toHaveLength(1)
})

test('An endless body of unknown size is left at the limit', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { endless: true }, Infinity)
  const limits = { maxBytes: 3 * size }
  const error = await errorOf(downloading.run([`${mirror.url}/file`], { sizeBytes: undefined }, limits))
  expect(error.code).toBe('DIGEST_MISMATCH')
  expect(mirror.bytesServed('/file')).toBeLessThan(20 * size)
})

test.each([
  ['longer', size + 5, 'NETWORK'],
  ['shorter', size - 5, 'DIGEST_MISMATCH'],
])('A body whose Content-Length is %s than it is never passes', async (_, contentLength, code) => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { contentLength, ignoreRange: true }, Infinity)
  const error = await errorOf(downloading.run([`${mirror.url}/file`], { sizeBytes: undefined }))
  expect(error.code).toBe(code)
})

test('A file with the wrong digest is dropped, the next mirror is asked, and a warning is given', async () => {
  await using wrong = await startMirror({ file: Buffer.alloc(size, 1) })
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  await downloading.run([`${wrong.url}/file`, `${mirror.url}/file`])
  expect((await downloading.part()).equals(image)).toBe(true)
  expect(mirror.requests[0]?.range).toBeUndefined()
  expect(downloading.events).toContainEqual({
    type: 'warning',
    message: `Gave up ${wrong.url}/file (the bytes are wrong); going on with ${mirror.url}/file.`,
  })
})

test('Two mirrors with wrong bytes are enough: the error names them, what was expected and what came', async () => {
  const other = Buffer.alloc(size, 1)
  await using wrong = await startMirror({ a: other, b: other, c: image })
  await using downloading = await startDownloading()
  const urls = ['a', 'b', 'c'].map((path) => `${wrong.url}/${path}`)
  const error = await errorOf(downloading.run(urls))
  expect(error.code).toBe('DIGEST_MISMATCH')
  expect(error.message).toContain(`expected sha256:${sha256(image).hex}, ${size} bytes`)
  expect(error.message).toContain(`${urls[0]} sent sha256:${sha256(other).hex}`)
  expect(error.message).toContain(`${urls[1]} sent`)
  expect(error.message).toContain('\nNothing was kept.')
  expect(wrong.requests.map(({ path }) => path)).toEqual(['/a', '/b'])
  expect(await downloading.part()).toHaveLength(0)
})

test('One bit that flips on the way is found', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { flipAt: 345_678 })
  expect((await errorOf(downloading.run([`${mirror.url}/file`]))).code).toBe('DIGEST_MISMATCH')
})

test('One bit that flips in a file that came in pieces costs one more download of the whole', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { flipAt: 345_678, cutAfter: 500_000 })
  await downloading.run([`${mirror.url}/file`])
  expect((await downloading.part()).equals(image)).toBe(true)
  expect(mirror.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=500000-', undefined])
})

test('A page of a captive portal is recognised', async () => {
  await using portal = await startMirror({ file: '<html><h1>Log in</h1></html>' })
  await using downloading = await startDownloading()
  portal.fail('/file', { headers: { 'content-type': 'text/html' } }, Infinity)
  const error = await errorOf(downloading.run([`${portal.url}/file`]))
  expect([error.code, error.message]).toEqual([
    'DIGEST_MISMATCH',
    expect.stringContaining('(text/html, 28 bytes)'),
  ])
})
