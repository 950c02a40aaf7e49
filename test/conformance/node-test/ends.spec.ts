/**
 * Ways to end: DO says which. The control does the same without vmimage, so the exit code and what survives can be
 * compared.
 */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

const { DO = '', SETUP, READY = '' } = process.env

async function open(): Promise<void> {
  if (SETUP === 'control') return
  const { openDisks } = await import('./disks.js')
  await openDisks()
}

const ready = () => appendFileSync(READY, `${process.pid}\n`)

const bodies: Readonly<Record<string, () => Promise<unknown> | void>> = {
  pass: () => {},
  fail: () => assert.equal(1, 2),
  exit: () => process.exit(3),
  uncaught: async () => {
    setImmediate(() => {
      throw new Error('uncaught on purpose')
    })
    await delay(50)
  },
  unhandled: async () => {
    void Promise.reject(new Error('unhandled on purpose'))
    await delay(50)
  },
  // A promise alone does not keep a process.
  wait: () => new Promise(() => setInterval(() => {}, 1000)),
  // A test that no timeout can end.
  spin: () => {
    for (;;);
  },
}

if (DO in bodies) {
  test(DO, async () => {
    await open()
    ready()
    await bodies[DO]?.()
  })
}

if (DO === 'failing beforeAll') {
  describe('a suite', () => {
    before(async () => {
      await open()
      ready()
      throw new Error('fails on purpose')
    })
    test('is not run', () => {})
  })
}

test('another', open)
