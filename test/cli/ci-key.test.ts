import { describe, expect, test } from 'vitest'
import { type CacheContent, ciKeyOf } from '../../src/cli/ci-key.js'

const content: CacheContent = {
  requests: ['fedora x86_64 provider=1', 'debian:13 x86_64 provider=2'],
  pins: undefined,
  arch: 'x86_64',
  format: 'v1',
  platform: 'linux',
  now: Date.UTC(2026, 10, 28),
}

describe('ciKeyOf()', () => {
  test('ends with the week where nothing pins the images, and falls back to weeks before, then to other images', () => {
    const { key, restoreKeys } = ciKeyOf(content)
    expect(key).toMatch(/^vmimage-v1-linux-x86_64-[0-9a-f]{16}-2026w48$/)
    expect(restoreKeys).toEqual([key.replace('2026w48', ''), 'vmimage-v1-linux-x86_64-'])
  })

  test('has no date where pins do', () => {
    const pinned = { ...content, pins: '{}' }
    const { key, restoreKeys } = ciKeyOf(pinned)
    expect(key).toMatch(/^vmimage-v1-linux-x86_64-[0-9a-f]{16}$/)
    expect(restoreKeys).toEqual(['vmimage-v1-linux-x86_64-'])
    expect(ciKeyOf({ ...pinned, now: 0 }).key).toBe(key)
  })

  test('does not ask in which order, or how often, the images are listed', () => {
    const requests = [...content.requests, ...content.requests].toReversed()
    expect(ciKeyOf({ ...content, requests })).toEqual(ciKeyOf(content))
  })

  test.each<[string, Partial<CacheContent>]>([
    ['other images', { requests: ['fedora x86_64 provider=1'] }],
    ['other facts of a provider', { requests: ['fedora x86_64 provider=9', 'debian:13 x86_64 provider=2'] }],
    ['other pins', { pins: '{ }' }],
    ['no pins', { pins: undefined }],
    ['another architecture', { arch: 'aarch64' }],
    ['another format of the cache', { format: 'v2' }],
    ['another platform', { platform: 'darwin' }],
  ])('is another key for %s', (_, other) => {
    const pinned = { ...content, pins: '{}' }
    expect(ciKeyOf({ ...pinned, ...other }).key).not.toBe(ciKeyOf(pinned).key)
  })

  test.each([
    [[2026, 0, 1], '2026w01'],
    [[2027, 0, 3], '2026w53'],
    [[2027, 0, 4], '2027w01'],
    [[2024, 11, 30], '2025w01'],
    [[2026, 10, 29], '2026w48'],
    [[2026, 10, 30], '2026w49'],
  ] as const)('the week of %s is %s', ([year, month, day], week) => {
    expect(ciKeyOf({ ...content, now: Date.UTC(year, month, day) }).key).toContain(`-${week}`)
  })
})
