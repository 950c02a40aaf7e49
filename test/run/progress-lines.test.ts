import { expect, test } from 'vitest'
import { progressLines } from '../../src/run/progress-lines.js'

const mebibyte = 1024 ** 2

/** A report whose clock is set by hand, and what it printed. */
function startReport() {
  const lines: string[] = []
  let nowMs = 0
  const report = progressLines(
    (line) => lines.push(line),
    () => nowMs,
  )
  const download = (atMs: number, receivedBytes: number) => {
    nowMs = atMs
    report({
      type: 'downloading',
      name: 'fedora',
      url: 'https://host/f',
      receivedBytes,
      totalBytes: 400 * mebibyte,
    })
  }
  return { lines, report, download }
}

test('progressLines() is silent about what takes less than two seconds', () => {
  const { lines, report, download } = startReport()
  download(0, 0)
  download(1900, 390 * mebibyte)
  report({ type: 'published', name: 'fedora', path: '/cache/fedora' })
  expect(lines).toEqual([])
})

test('progressLines() prints the first line after two seconds, then one every five, and the end', () => {
  const { lines, report, download } = startReport()
  for (let second = 0; second <= 13; second += 1) download(second * 1000, second * 20 * mebibyte)
  report({ type: 'published', name: 'fedora', path: '/cache/fedora' })
  expect(lines).toEqual([
    'vmimage: downloading fedora: 40 MiB of 400 MiB',
    'vmimage: downloading fedora: 140 MiB of 400 MiB',
    'vmimage: downloading fedora: 240 MiB of 400 MiB',
    'vmimage: fedora is in the cache',
  ])
})

test('progressLines() counts the time of each image by itself', () => {
  const { lines, report, download } = startReport()
  download(0, 0)
  download(3000, 100 * mebibyte)
  const waiting = { type: 'waiting', name: 'debian', holder: 'process 7', receivedBytes: 1e6 } as const
  report({ ...waiting, totalBytes: undefined, bytesPerSecond: undefined })
  expect(lines).toEqual(['vmimage: downloading fedora: 100 MiB of 400 MiB'])
})

test('progressLines() says of a wait for whom it is, how far that one is, and how fast', () => {
  const { lines, report, download } = startReport()
  const waiting = { type: 'waiting', name: 'debian', holder: 'process 7', totalBytes: 9 * mebibyte } as const
  report({ ...waiting, receivedBytes: 0, bytesPerSecond: undefined })
  download(3000, 0)
  report({ ...waiting, receivedBytes: 3 * mebibyte, bytesPerSecond: mebibyte })
  expect(lines).toEqual([
    'vmimage: waiting for process 7, which downloads debian: 3 MiB of 9 MiB, 1 MiB/s, 6 s left',
  ])
})

test('progressLines() prints warnings at once', () => {
  const { lines, report } = startReport()
  report({ type: 'warning', message: 'the mirror is slow' })
  expect(lines).toEqual(['vmimage: warning: the mirror is slow'])
})

test('progressLines() leaves out the steps of a search, however long it takes', () => {
  const { lines, report, download } = startReport()
  download(0, 0)
  download(1900, 0)
  report({ type: 'step', url: 'https://host/', found: 'lists versions 44' })
  download(60_000, 100 * mebibyte)
  report({ type: 'step', url: 'https://host/44/', found: 'has f' })
  expect(lines).toEqual(['vmimage: downloading fedora: 100 MiB of 400 MiB'])
})
