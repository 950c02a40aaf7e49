import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { image, sha256 } from '../support/downloading.js'
import { startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'

// Other processes take part, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

/** The only thread that writes files is kept waiting at a pipe that nobody opens: a disk that takes no byte for a while. */
test('fault 21, the disk takes no byte for longer than a stall may last while the server sends on: the download is broken off, and goes on when the disk does', async () => {
  await using mirror = await startMirror({ file: image })
  mirror.fail('/file', { trickle: { bytes: 16_384, everyMs: 20 } })
  await using dir = await tempDir()
  const pipe = join(dir.path, 'pipe')
  execFileSync('mkfifo', [pipe])
  await using worker = startWorker(
    `const { execFile } = await import('node:child_process')
    const { open } = await import('node:fs')
    const { makeContext } = await source('context.ts')
    const { download } = await source('fetch/download.ts')
    await import('undici')
    const hang = () => {
      open('${pipe}', 'r', () => console.log('the disk writes again'))
      setTimeout(() => execFile('sh', ['-c', 'echo > ${pipe}']), 1500)
    }
    let hasHung = false
    const report = (event) => {
      if (hasHung || event.receivedBytes === 0) return
      hasHung = true
      hang()
    }
    const request = {
      name: 'a', urls: ['${mirror.url}/file'], directory: '${dir.path}', sizeBytes: ${image.length},
      digest: { algorithm: 'sha256', hex: '${sha256(image).hex}' },
    }
    const context = makeContext({ report }, {})
    await download(request, context, { stallMs: 300, retryMs: 1 })
    await context.http.close()
    console.log('done')`,
    { UV_THREADPOOL_SIZE: '1' },
  )
  await worker.line(/^done/)
  expect(worker.output()).toBe('the disk writes again\ndone')
  expect(readFileSync(join(dir.path, 'part')).equals(image)).toBe(true)
  expect(mirror.requests.map(({ range }) => range)).toEqual([
    undefined,
    expect.stringMatching(/^bytes=[1-9]\d*-$/),
  ])
  expect(mirror.requests[0]?.bytesSent).toBeLessThan(image.length)
})
