/**
 * What we use of Jest although nobody promises it. When one of these goes, so does a promise of ours; the canary says
 * which before a user does. Without vmimage: it must also tell when that cannot start any more.
 */
import { expect, test } from '@jest/globals'
import { AsyncLocalStorage } from 'node:async_hooks'
import { appendFileSync } from 'node:fs'

interface Test {
  readonly name: string
  readonly errors: unknown[]
  readonly invocations?: number
}

interface Event {
  readonly name: string
  readonly test?: Test
}

const { OBSERVED = '' } = process.env
const observe = (row: string, saw: string) => appendFileSync(OBSERVED, `${JSON.stringify({ row, saw })}\n`)

const handlers: unknown = Reflect.get(globalThis, Symbol.for('EVENT_HANDLERS'))
const isShared = Array.isArray(handlers) && handlers.length > 0
const storage = new AsyncLocalStorage<Test>()
let seen: Test | undefined
if (Array.isArray(handlers)) {
  handlers.unshift((event: Event) => {
    if (event.name === 'test_start' && event.test) {
      seen = event.test
      storage.enterWith(event.test)
    }
    if (event.name === 'test_done' && event.test?.name === 'fails') {
      const [first] = [event.test.errors[0]].flat() // an error, or that and its place
      if (first instanceof Error || isError(first)) {
        const message = `${first.message}\n\nadded in test_done`
        if (first.stack !== undefined) first.stack = first.stack.replace(first.message, () => message)
        first.message = message
      }
    }
  })
}

function isError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'message' in value
}

test('is told of', () => {
  observe(
    'canary: the code of tests shares EVENT_HANDLERS with the runner',
    isShared ? 'shared' : 'not shared',
  )
  observe('canary: a handler put before all others is told of the test', seen?.name ?? 'nothing')
  observe('canary: what it enters in test_start is there in the test', storage.getStore()?.name ?? 'nothing')
  observe('canary: test.invocations is how often it was tried', String(seen?.invocations ?? 'nothing'))
})

test('fails', () => {
  expect(1).toBe(2)
})
