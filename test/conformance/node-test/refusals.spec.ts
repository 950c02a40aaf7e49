/** Calls that belong to no test, or to one that has ended. */
import { EventEmitter, once } from 'node:events'
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, describe, test } from 'node:test'
import { type NodeTestContext, useVmImage } from 'vmimage/node-test'
import { openDisks, refusal } from './disks.js'
import { codeOf } from './look.js'
import { observe } from './observe.js'

// Keeps the process until all is over: a promise alone does not.
const isAlive = setInterval(() => {}, 1000)

const atTopLevel = refusal()
let inSuite: Promise<string> | undefined
describe('a suite', () => {
  inSuite = refusal()
  test('comes later', async () => {
    observe('module top level: refused', await atTopLevel)
    observe('body of describe: refused', (await inSuite) ?? 'not called')
  })
})

describe('a test that timed out', () => {
  const events = new EventEmitter()
  const late = once(events, 'late')

  test('goes on', { timeout: 500 }, async (t) => {
    await openDisks(t)
    await once(events, 'go on')
    events.emit('late', await refusal(t))
  })

  test('comes next', async () => {
    events.emit('go on')
    observe('call after its test timed out: refused', String(await late))
  })
})

describe('a call in flight', () => {
  const file = `in-flight-${process.pid}-${performance.now()}`
  const ended = new EventEmitter()
  const end = once(ended, 'end')
  let directory = ''

  // A gibibyte of zeros takes longer to hash than the test has.
  test('at the timeout', { timeout: 500 }, async (t) => {
    const [path = ''] = (await openDisks(t)).paths
    directory = dirname(path)
    writeFileSync(file, '')
    truncateSync(file, 1024 ** 3)
    const checksum = `sha256:${'0'.repeat(64)}`
    ended.emit('end', await codeOf(useVmImage(t, { path: `./${file}`, format: 'raw', checksum })))
  })

  test('comes next', async () => {
    observe('call in flight when its test times out: refused', String(await end))
    rmSync(file)
    const left = readdirSync(directory).filter((name) => name.startsWith(file))
    observe('call in flight when its test times out: no disk is left', left.length)
  })
})

describe('a promise', () => {
  const events = new EventEmitter()
  const late = once(events, 'late')

  test('is left behind', async (t) => {
    await openDisks(t)
    void once(events, 'go on')
      .then(() => refusal(t))
      .then((code) => events.emit('late', code))
  })

  test('comes next', async () => {
    events.emit('go on')
    observe('call from what a test left running: refused', String(await late))
  })
})

describe('what comes after a test', () => {
  afterEach(async (t: unknown) => observe('call in afterEach: refused', await refusal(t as NodeTestContext))) // the test's

  test('ends', () => {})
})

test('the end', () => clearInterval(isAlive))
