import { readdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cacheLayout, resolutionPath } from '../../src/store/layout.js'
import { findResolution, rememberResolution, type Resolution } from '../../src/store/resolutions.js'
import { tempDir } from '../support/temp-dir.js'

const record: Resolution = {
  name: 'Acme',
  version: '44',
  build: '1.7',
  arch: 'x86_64',
  variant: undefined,
  fileName: 'acme.qcow2',
  url: 'https://acme.example.org/acme.qcow2',
  trust: 'signed',
  signedBy: 'AB'.repeat(20),
  request: 'acme x86_64 provider=00',
  key: 'sha256-aa',
  digest: 'sha256:aa',
  resolvedAt: 1_800_000_000_000,
  seen: { version: '44', build: '1.7', at: '2026-11-22T00:00:00.000Z' },
}

describe('resolutions', () => {
  test('are found as they were remembered, the last of a request', async () => {
    await using dir = await tempDir()
    const layout = cacheLayout(dir.path)
    expect(findResolution(layout, record.request)).toBeUndefined()
    rememberResolution(layout, { ...record, version: '43' })
    rememberResolution(layout, record)
    expect(findResolution(layout, record.request)).toEqual(record)
    expect(findResolution(layout, 'debian x86_64')).toBeUndefined()
    expect(readdirSync(layout.resolved)).toHaveLength(1)
  })

  test('without a newest build are good: that of a URL has none', async () => {
    await using dir = await tempDir()
    const layout = cacheLayout(dir.path)
    rememberResolution(layout, { ...record, seen: undefined })
    expect(findResolution(layout, record.request)).toMatchObject({ version: '44' })
  })

  test.each([
    ['no JSON', 'oops'],
    ['nothing', 'null'],
    ['another request', JSON.stringify({ ...record, request: 'other' })],
    ['no trust', JSON.stringify({ ...record, trust: undefined })],
    ['no key', JSON.stringify({ ...record, key: 1 })],
    ['no time', JSON.stringify({ ...record, resolvedAt: 'today' })],
    ['half a newest build', JSON.stringify({ ...record, seen: { version: '44' } })],
    ['a newest build that is nothing', JSON.stringify({ ...record, seen: null })],
    [
      'a newest build with a build that is none',
      JSON.stringify({ ...record, seen: { ...record.seen, build: 17 } }),
    ],
  ])('that say %s are as good as none', async (_, text) => {
    await using dir = await tempDir()
    const layout = cacheLayout(dir.path)
    rememberResolution(layout, record)
    writeFileSync(resolutionPath(layout, record.request), text)
    expect(findResolution(layout, record.request)).toBeUndefined()
  })
})
