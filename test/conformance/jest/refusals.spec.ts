/** Calls that belong to no test, or to one that has ended. */
import { afterAll, afterEach, describe, test } from '@jest/globals'
import { EventEmitter, once } from 'node:events'
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { useVmImage } from 'vmimage/jest'
import { openDisks, refusal } from './disks.js'
import { codeOf } from './look.js'
import { observe } from './observe.js'

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

  test('goes on', async () => {
    await openDisks()
    await once(events, 'go on')
    events.emit('late', await refusal())
  }, 200)

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
  test('at the timeout', async () => {
    const [path = ''] = (await openDisks()).paths
    directory = dirname(path)
    writeFileSync(file, '')
    truncateSync(file, 1024 ** 3)
    const checksum = `sha256:${'0'.repeat(64)}`
    ended.emit('end', await codeOf(useVmImage({ path: `./${file}`, format: 'raw', checksum })))
  }, 200)

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

  test('is left behind', async () => {
    await openDisks()
    void once(events, 'go on')
      .then(() => refusal())
      .then((code) => events.emit('late', code))
  })

  test('comes next', async () => {
    events.emit('go on')
    observe('call from what a test left running: refused', String(await late))
  })
})

describe('what comes after a test', () => {
  afterEach(async () => observe('call in afterEach: refused', await refusal()))
  afterAll(async () => observe('call in afterAll: refused', await refusal()))

  test('ends', () => {})
})
