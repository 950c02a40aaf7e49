/**
 * Ways to end: DO says which. The control does the same without vmimage, so the exit code and what survives can be
 * compared: the control has another openDisks().
 */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { openDisks } from './disks.js'

const { DO = '', READY = '', GO = '' } = process.env
const longMs = 1_000_000

const ready = () => appendFileSync(READY, `${process.pid}\n`)

const bodies: Readonly<Record<string, () => Promise<unknown> | void>> = {
  pass: () => {},
  fail: () => expect(1).toBe(2),
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
  wait: () => new Promise(() => {}),
  // A test that no timeout can end.
  spin: () => {
    for (;;);
  },
  // Runs until the runner says so: the other file has failed by then, or not.
  slow: async () => {
    while (!existsSync(GO)) await delay(20)
  },
}

if (DO in bodies) {
  test(
    DO,
    async () => {
      await openDisks()
      ready()
      await bodies[DO]?.()
    },
    longMs,
  )
}

if (DO === 'failing beforeAll') {
  describe('a suite', () => {
    beforeAll(async () => {
      await openDisks()
      ready()
      throw new Error('fails on purpose')
    })
    test('is not run', () => {})
  })
}

test('another', async () => void (await openDisks()))
