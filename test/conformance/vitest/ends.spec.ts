/**
 * Ways to end: DO says which. The control does the same without vmimage, so the exit code and what survives can be
 * compared.
 */
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'

const { DO = '', SETUP, READY = '', GO = '' } = process.env

async function open(): Promise<void> {
  if (SETUP === 'control') return
  const { openDisks } = await import('./disks.js')
  await openDisks()
}

const ready = () => appendFileSync(READY, `${process.pid}\n`)

const bodies: Readonly<Record<string, () => Promise<void> | void>> = {
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

test.runIf(DO in bodies)(DO, { timeout: 0 }, async () => {
  await open()
  ready()
  await bodies[DO]?.()
})

describe.runIf(DO === 'failing beforeAll')('a suite', () => {
  beforeAll(async () => {
    await open()
    ready()
    throw new Error('fails on purpose')
  })
  test('is not run', () => {})
})

test('another', open)
