/** Tests whose end goes wrong: one whose error nobody can change, and ones whose disks can neither be kept nor deleted as wanted. */
import { afterAll, afterEach, beforeAll, describe, test } from '@jest/globals'
import { openDisks } from './disks.js'
import { observe } from './observe.js'

const { VMIMAGE_RUN } = process.env

interface Event {
  readonly name: string
  readonly test?: { readonly name: string; readonly errors: readonly unknown[] }
}

/** As vmimage has left them: a handler behind all others. */
const errorsOf = new Map<string, string>()
const handlers: unknown = Reflect.get(globalThis, Symbol.for('EVENT_HANDLERS'))
if (Array.isArray(handlers)) {
  handlers.push(({ name, test: ended }: Event) => {
    if (name === 'test_done' && ended) errorsOf.set(ended.name, ended.errors.map(textOf).join(' and '))
  })
}

function textOf(error: unknown): string {
  const [thrown] = [error].flat() // an error, or that and its place
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : 'another'
}

describe('a frozen error', () => {
  test('is thrown', async () => {
    await openDisks({ keep: 'always' })
    throw Object.freeze(new Error('on purpose'))
  })
  test('comes next', () => observe('a frozen error: the next test runs', 'it does'))
})

describe('a run that is gone', () => {
  afterEach(() => void delete process.env['VMIMAGE_RUN'])
  test('passes', async () => {
    process.env['VMIMAGE_RUN'] = VMIMAGE_RUN
    await openDisks({ keep: 'always' })
  })
  test('comes next', () => {
    observe('disks that cannot be kept: their test fails of that', errorsOf.get('passes') ?? 'not over')
    observe('disks that cannot be kept: the next test runs', 'it does')
  })
})

describe('a run that is gone before the end of its suite', () => {
  beforeAll(async () => {
    process.env['VMIMAGE_RUN'] = VMIMAGE_RUN
    await openDisks({ keep: 'always' })
  })
  afterAll(() => void delete process.env['VMIMAGE_RUN'])
  test('passes', () => {})
})

describe('the next suite', () => {
  test('runs', () => observe('shared disks that cannot be kept: the next suite runs', 'it does'))
})
