/**
 * Servers that send other bytes than the ones asked for, or another number of them: none of them ever passes.
 */
import { expect, test } from 'vitest'
import { image, sha256, startDownloading } from '../support/downloading.js'
import { errorOf } from '../support/error-of.js'
import { startMirror } from '../support/mirror.js'

const size = image.length

test('fault 20, a body has no end: it is left at one byte more than the size', async () => {
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

test('fault 20, a body of unknown size has no end: it is left at the limit', async () => {
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
])(
  'fault 18, 20, a body is shorter or longer than its Content-Length: it never passes (%s)',
  async (_, contentLength, code) => {
    await using mirror = await startMirror({ file: image })
    await using downloading = await startDownloading()
    mirror.fail('/file', { contentLength, ignoreRange: true }, Infinity)
    const error = await errorOf(downloading.run([`${mirror.url}/file`], { sizeBytes: undefined }))
    expect(error.code).toBe(code)
  },
)

test('fault 29, a mirror sends a whole file with the wrong digest: it is dropped, the next mirror is asked, and a warning given', async () => {
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

test('fault 29, two mirrors send wrong bytes: the error names both, what was expected and what came', async () => {
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
  // They may be what the publisher names by now: who knows no other digest removes them.
  expect(await downloading.part()).toHaveLength(image.length)
})

test('fault 30, one bit flips on the way: the digest finds it, and nothing is kept', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { flipAt: 345_678 })
  expect((await errorOf(downloading.run([`${mirror.url}/file`]))).code).toBe('DIGEST_MISMATCH')
})

test('fault 30, one bit flips in a file that came in pieces: it costs one more download of the whole', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { flipAt: 345_678, cutAfter: 500_000 })
  await downloading.run([`${mirror.url}/file`])
  expect((await downloading.part()).equals(image)).toBe(true)
  expect(mirror.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=500000-', undefined])
})

test('fault 31, the page of a captive portal comes in place of the image: it is refused, and the error says what it is', async () => {
  await using portal = await startMirror({ file: '<html><h1>Log in</h1></html>' })
  await using downloading = await startDownloading()
  portal.fail('/file', { headers: { 'content-type': 'text/html' } }, Infinity)
  const error = await errorOf(downloading.run([`${portal.url}/file`]))
  expect([error.code, error.message]).toEqual([
    'DIGEST_MISMATCH',
    expect.stringContaining('(text/html, 28 bytes)'),
  ])
})
