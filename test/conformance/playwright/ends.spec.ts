/**
 * Ways to end: DO says which. The control does the same without vmimage, so the exit code and what survives can be
 * compared.
 */
import { expect, test as plainTest } from '@playwright/test'
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { test as ourTest } from 'vmimage/playwright'
import { openDisks } from './disks.js'

const { DO = '', SETUP, READY = '', GO = '' } = process.env

// A fixture of the same name that opens nothing.
const test: typeof ourTest =
  SETUP === 'control'
    ? (plainTest.extend<{ vmImage: unknown }>({ vmImage: undefined }) as unknown as typeof ourTest) // of use here only
    : ourTest
const open: typeof openDisks | (() => Promise<void>) =
  SETUP === 'control' ? () => Promise.resolve() : openDisks

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
  wait: () => new Promise(() => setInterval(() => {}, 1000)),
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
  test(DO, async ({ vmImage }) => {
    test.setTimeout(0)
    await open(vmImage)
    ready()
    await bodies[DO]?.()
  })
}

if (DO === 'failing beforeAll') {
  test.describe('a suite', () => {
    test.beforeAll(() => {
      ready()
      throw new Error('fails on purpose')
    })
    test('is not run', () => {})
  })
}

test('another', async ({ vmImage }) => void (await open(vmImage)))
