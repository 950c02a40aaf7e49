import { expect, test } from 'vitest'
import { progressLines } from '../../src/adapters/progress-lines.js'

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
  report({ type: 'waiting', name: 'debian', holder: 'process 7', receivedBytes: 1e6, totalBytes: undefined })
  expect(lines).toEqual(['vmimage: downloading fedora: 100 MiB of 400 MiB'])
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
