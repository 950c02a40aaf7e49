/** The table of bytes in docs/qcow2.md is that of a real overlay, and leaves nothing out. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createOverlay } from '../../src/qcow2/create.js'
import { tempDir } from '../support/temp-dir.js'

interface Row {
  readonly offset: number
  readonly length: number
  readonly bytes: Buffer
}

function rowsOfTable(): readonly Row[] {
  const text = readFileSync(new URL('../../docs/qcow2.md', import.meta.url), 'utf8')
  const rows = text.matchAll(/^\| `(0x[\da-f]+)` \| (\d+) \| (?:`([\da-f ]+)`|zeros|end) \| .+ \|$/gm)
  return Array.from(rows, ([, offset, length, hex]) => ({
    offset: Number(offset),
    length: Number(length),
    bytes: hex === undefined ? Buffer.alloc(Number(length)) : Buffer.from(hex.replaceAll(' ', ''), 'hex'),
  }))
}

test('docs/qcow2.md describes every byte of an overlay', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'overlay')
  const base = { path: '/cache/base.qcow2', format: 'qcow2', virtualSizeBytes: 10 * 2 ** 30 } as const
  createOverlay(path, base)
  const file = readFileSync(path)
  const rows = rowsOfTable()
  const described = Buffer.alloc(file.length)
  let end = 0
  for (const { offset, length, bytes } of rows) {
    expect(offset).toBeGreaterThanOrEqual(end)
    expect(bytes).toHaveLength(length)
    bytes.copy(described, offset)
    end = offset + length
  }
  expect(rows.length).toBeGreaterThan(30)
  expect(end).toBe(file.length)
  expect(described.equals(file)).toBe(true)
})
