/** Calls that belong to no test, or to one that has ended. */
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, describe, onTestFinished, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'
import { codeOf, openDisks, refusal } from './disks.js'
import { latch } from './latch.js'
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
  const goOn = latch<void>()
  const late = latch<string>()

  // Time enough to open disks on a busy machine: a call that is broken off would end the body.
  test('goes on', { timeout: 1000 }, async () => {
    await openDisks()
    await goOn.reached
    late.reach(await refusal())
  })

  test('comes next', async () => {
    goOn.reach()
    observe('call after its test timed out: refused', await late.reached)
  })
})

describe('a call in flight', () => {
  const file = `in-flight-${process.pid}-${performance.now()}`
  const end = latch<string>()
  let directory = ''

  // Eight gibibytes of zeros take longer to hash than the test has.
  test('at the timeout', { timeout: 1000 }, async () => {
    const [path = ''] = (await openDisks()).paths
    directory = dirname(path)
    writeFileSync(file, '')
    truncateSync(file, 8 * 1024 ** 3)
    const checksum = `sha256:${'0'.repeat(64)}`
    end.reach(await codeOf(useVmImage({ path: `./${file}`, format: 'raw', checksum })))
  })

  test('comes next', async () => {
    observe('call in flight when its test times out: refused', await end.reached)
    rmSync(file)
    const left = readdirSync(directory).filter((name) => name.startsWith(file))
    observe('call in flight when its test times out: no disk is left', left.length)
  })
})

describe('a promise', () => {
  const goOn = latch<void>()
  const late = latch<string>()

  test('is left behind', async () => {
    await openDisks()
    void goOn.reached.then(() => refusal()).then(late.reach)
  })

  test('comes next', async () => {
    goOn.reach()
    observe('call from what a test left running: refused', await late.reached)
  })
})

describe('what comes after a test', () => {
  afterEach(async () => observe('call in afterEach: refused', await refusal()))

  test('ends', () => {
    onTestFinished(async () => observe('call in onTestFinished: refused', await refusal()))
  })
})
