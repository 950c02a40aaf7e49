import { expect, test } from 'vitest'
import { isMoving, paceTexts, progressText, sizeText } from '../src/progress-text.js'
import type { ReportEvent } from '../src/report.js'

const url = 'https://example.org/disk.qcow2'

test.each<[ReportEvent, string, boolean]>([
  [{ type: 'resolving', name: 'fedora' }, 'looking for fedora', false],
  [{ type: 'step', url, found: 'HTTP 404' }, `${url}: HTTP 404`, false],
  [{ type: 'resolved', name: 'fedora', url, digest: 'sha256:00' }, `fedora is ${url}`, false],
  [{ type: 'published', name: 'Fedora 44', path: '/x' }, 'Fedora 44 is in the cache', false],
  [{ type: 'warning', message: 'weak' }, 'warning: weak', false],
  [
    { type: 'downloading', name: 'Fedora 44', url, receivedBytes: 1024, totalBytes: undefined },
    'downloading Fedora 44: 1 KiB',
    true,
  ],
  [{ type: 'unpacking', name: 'x', readBytes: 0, totalBytes: 2048 }, 'unpacking x: 0 B of 2 KiB', true],
  [
    {
      type: 'waiting',
      name: 'x',
      holder: 'process 7',
      receivedBytes: 1,
      totalBytes: 2,
      bytesPerSecond: undefined,
    },
    'waiting for process 7, which downloads x: 1 B of 2 B',
    true,
  ],
  [
    {
      type: 'waiting',
      name: 'x',
      holder: 'process 7',
      receivedBytes: 12 * 1024 ** 2,
      totalBytes: 557 * 1024 ** 2,
      bytesPerSecond: 3.2 * 1024 ** 2,
    },
    'waiting for process 7, which downloads x: 12 MiB of 557 MiB, 3.2 MiB/s, 171 s left',
    true,
  ],
])('%o reads "%s"', (event, text, moving) => {
  expect(progressText(event)).toBe(text)
  expect(isMoving(event)).toBe(moving)
})

test.each([
  [0, '0 B'],
  [1023, '1020 B'],
  [1536, '1.5 KiB'],
  [584_056_832, '557 MiB'],
  [5 * 1024 ** 4, '5 TiB'],
  [5 * 1024 ** 5, '5120 TiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text)
})

test.each([
  [1024, 2048, '1 KiB/s, 2 s left'],
  [1024, 1025, '1 KiB/s, 2 s left'],
  [1, 600, '1 B/s, 10 min left'],
  [1, 601, '1 B/s, 11 min left'],
  [1024, undefined, '1 KiB/s'],
  [0, 2048, '0 B/s'],
  [-5, 2048, '0 B/s'],
  [5, -1, '5 B/s, 0 s left'],
])('%d bytes a second with %d to come are "%s"', (bytesPerSecond, leftBytes, text) => {
  expect(paceTexts(bytesPerSecond, leftBytes).join(', ')).toBe(text)
})
