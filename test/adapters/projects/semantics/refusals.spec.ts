import { EventEmitter, once } from 'node:events'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'
import { image } from './image.js'

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  )

const atTopLevel = codeOf(useVmImage(image))

test('at the top level of a module', async () => {
  expect(await atTopLevel).toBe('OUTSIDE_TEST')
})

describe('after the timeout of its test', () => {
  const events = new EventEmitter()
  const late = once(events, 'late')

  test('a slow test times out', { timeout: 50 }, async () => {
    await once(events, 'go on')
    events.emit('late', await codeOf(useVmImage(image)))
  })

  test('and gets no disk any more', async () => {
    events.emit('go on')
    expect(await late).toEqual(['TEST_FINISHED'])
  })
})

describe('in what comes after a test', () => {
  const codes: unknown[] = []
  afterEach(async () => {
    codes.push(await codeOf(useVmImage(image)))
  })

  test('hooks call it', () => {
    onTestFinished(async () => {
      codes.push(await codeOf(useVmImage(image)))
    })
  })

  test('and are refused', () => {
    expect(codes).toEqual(['TEST_FINISHED', 'TEST_FINISHED'])
  })
})

test('for an image that nobody listed', async () => {
  const before = performance.now()
  await expect(useVmImage('debian:12')).rejects.toMatchObject({
    code: 'NOT_CACHED',
    message: expect.stringMatching(
      /timeout is 5000 ms.*\n.*Add 'debian:12' to images, in vmImages.*npx vmimage fetch debian:12/,
    ),
  })
  expect(performance.now() - before).toBeLessThan(1000)
})

test('for a packed file that nobody listed', async () => {
  await expect(useVmImage('./packed.qcow2.xz')).rejects.toMatchObject({
    code: 'NOT_CACHED',
    message: expect.stringMatching(
      /packed\.qcow2\.xz' to images, in vmImages\(\{ images \}\) or in vmimage\.config\.json\.$/,
    ),
  })
})

test('for a misspelt name', async () => {
  await expect(useVmImage('fedoar')).rejects.toMatchObject({
    code: 'UNKNOWN_SYSTEM',
    message: expect.stringContaining('Did you mean "fedora"?'),
  })
})
