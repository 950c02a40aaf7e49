import { describe, expect, test } from 'vitest'
import { type CachedImage, type CollectGoal, planCollection } from '../../src/store/collect-plan.js'

const hourMs = 3_600_000
const now = Date.parse('2026-11-28T20:00:00Z')
const held = [{ kind: 'links', count: 1 }] as const

/** An image that was used so many hours ago and takes so many bytes. */
function image(
  key: string,
  usedHoursAgo: number,
  allocatedBytes: number,
  more: Partial<CachedImage> = {},
): CachedImage {
  const fetchedAt = new Date(now - 100 * hourMs).toISOString()
  // The plan looks at nothing else in it.
  const meta = { name: key, fetchedAt } as CachedImage['meta']
  return {
    key,
    path: '',
    meta,
    allocatedBytes,
    lastUsedAt: now - usedHoursAgo * hourMs,
    holders: [],
    isImported: false,
    ...more,
  }
}

function plan(images: readonly CachedImage[], goal: CollectGoal) {
  const { go, stay } = planCollection(images, goal, now)
  return {
    go: go.map(({ image: { key }, why }) => `${key} ${why}`),
    stay: stay.map(({ image: { key }, why }) => `${key} ${why}`),
  }
}

describe('planCollection()', () => {
  const three = [image('new', 1, 10), image('old', 50, 10), image('middle', 20, 10)]

  test('takes nothing without a goal', () => {
    expect(plan(three, {}).go).toEqual([])
  })

  test('takes the least recently used until the rest fits', () => {
    expect(plan(three, { maxBytes: 30 }).go).toEqual([])
    expect(plan(three, { maxBytes: 29 }).go).toEqual(['old size'])
    expect(plan(three, { maxBytes: 19 }).go).toEqual(['old size', 'middle size'])
    expect(plan(three, { maxBytes: 0 }).go).toEqual(['old size', 'middle size', 'new size'])
  })

  test('takes what nobody used for too long, and counts it before it asks for the size', () => {
    expect(plan(three, { maxAgeMs: 30 * hourMs, maxBytes: 20 })).toEqual({
      go: ['old age'],
      stay: ['middle wanted', 'new wanted'],
    })
    expect(plan(three, { maxAgeMs: 50 * hourMs }).go).toEqual([])
  })

  test('takes as much as is needed and no more', () => {
    expect(plan(three, { freeBytes: 11 }).go).toEqual(['old room', 'middle room'])
  })

  test('takes all with all', () => {
    expect(plan(three, { all: true }).go).toHaveLength(3)
  })

  test.each<[string, CollectGoal]>([
    ['all', { all: true }],
    ['age', { maxAgeMs: 0 }],
    ['size', { maxBytes: 0 }],
    ['room', { freeBytes: 1000 }],
  ])('never takes what is held, nor what is young: %s', (_, goal) => {
    const young = image('young', 90, 10, {
      meta: { ...image('young', 0, 0).meta, fetchedAt: new Date(now - hourMs / 2).toISOString() },
    })
    expect(plan([image('held', 90, 10, { holders: held }), young], goal)).toEqual({
      go: [],
      stay: ['held held', 'young young'],
    })
  })

  test.each<[string, CollectGoal]>([
    ['age', { maxAgeMs: 0 }],
    ['size', { maxBytes: 0 }],
    ['room', { freeBytes: 1000 }],
  ])('never takes what was imported for %s', (_, goal) => {
    expect(plan([image('imported', 90, 10, { isImported: true })], goal)).toEqual({
      go: [],
      stay: ['imported imported'],
    })
  })

  test('takes what was imported with all', () => {
    expect(plan([image('imported', 90, 10, { isImported: true })], { all: true }).go).toEqual([
      'imported all',
    ])
  })

  test('counts what is held towards the size', () => {
    expect(plan([image('held', 90, 100, { holders: held }), ...three], { maxBytes: 110 }).go).toEqual([
      'old size',
      'middle size',
    ])
  })

  test('keeps nothing for ever because a clock was wrong', () => {
    const future = { ...image('future', 0, 0).meta, fetchedAt: new Date(now + 48 * hourMs).toISOString() }
    expect(plan([image('future', 90, 10, { meta: future })], { all: true }).go).toEqual(['future all'])
  })
})
