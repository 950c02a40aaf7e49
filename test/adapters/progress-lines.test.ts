import { expect, test } from 'vitest'
import { progressLines } from '../../src/adapters/progress-lines.js'

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
    report({ type: 'downloading', name: 'fedora', url: 'https://host/f', receivedBytes, totalBytes: 400e6 })
  }
  return { lines, report, download }
}

test('progressLines() is silent about what takes less than two seconds', () => {
  const { lines, report, download } = startReport()
  download(0, 0)
  download(1900, 390e6)
  report({ type: 'published', name: 'fedora', path: '/cache/fedora' })
  expect(lines).toEqual([])
})

test('progressLines() prints the first line after two seconds, then one every five, and the end', () => {
  const { lines, report, download } = startReport()
  for (let second = 0; second <= 13; second += 1) download(second * 1000, second * 20e6)
  report({ type: 'published', name: 'fedora', path: '/cache/fedora' })
  expect(lines).toEqual([
    'vmimage: fedora: downloading, 40 of 400 MB (10 %)',
    'vmimage: fedora: downloading, 140 of 400 MB (35 %)',
    'vmimage: fedora: downloading, 240 of 400 MB (60 %)',
    'vmimage: fedora: ready',
  ])
})

test('progressLines() counts the time of each image by itself', () => {
  const { lines, report, download } = startReport()
  download(0, 0)
  download(3000, 100e6)
  report({ type: 'waiting', name: 'debian', holder: 'process 7', receivedBytes: 1e6, totalBytes: undefined })
  expect(lines).toEqual(['vmimage: fedora: downloading, 100 of 400 MB (25 %)'])
})

test('progressLines() prints warnings at once', () => {
  const { lines, report } = startReport()
  report({ type: 'warning', message: 'the mirror is slow' })
  expect(lines).toEqual(['vmimage: the mirror is slow'])
})
