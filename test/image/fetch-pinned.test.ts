import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openVmImage } from '../../src/image/open.js'
import { readPins } from '../../src/image/pin-file.js'
import { errorOf } from '../support/error-of.js'
import {
  acme,
  archive,
  bytesOf,
  digestOf,
  main,
  type MovingPublisher,
  second,
  startMovingPublisher,
} from '../support/moving-publisher.js'
import { ensure, pinTo } from './pinning.js'

const request = { provider: acme }
const foreverMs = 10 * 365 * 24 * 3_600_000

/** Pins the request on a machine called `author`, and empties the list of what was asked. */
async function pinned(publisher: MovingPublisher, input: object = request) {
  const pinFile = join(publisher.directory, 'vmimage.lock.json')
  await pinTo(pinFile, input, publisher.context('author'))
  publisher.asked()
  return pinFile
}

const warnings = ({ events }: MovingPublisher) =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))

describe('a pinned image', () => {
  test('is the same bits on two machines, although the publisher has moved on between them', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    const first = await ensure(request, publisher.context('first', { pinFile }))
    publisher.publish('1', '2')
    publisher.publish('2', '1')
    const other = await ensure(request, publisher.context('second', { pinFile, frozen: true }))
    expect(readFileSync(other.path).equals(readFileSync(first.path))).toBe(true)
    expect(other).toMatchObject({
      version: '1',
      build: '1',
      trust: 'pinned',
      digest: digestOf(bytesOf('1', '1')),
      resolved: { at: readPins(pinFile)?.['acme x86_64']?.resolvedAt, stale: undefined },
    })
    const unpinned = await ensure(request, publisher.context('third'))
    expect(unpinned).toMatchObject({ version: '2', trust: 'checksum' })
  })

  test('is asked for with one request: no listing, no checksum file', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    await ensure(request, publisher.context('other', { pinFile }))
    expect(publisher.asked()).toEqual([publisher.path('1', '1')])
  })

  test('asks nobody when it is cached, however old the pin is, and under whatever name it came', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    await ensure({ provider: acme, version: '1' }, publisher.context('other'))
    publisher.asked()
    const context = { ...publisher.context('other', { pinFile }), now: () => Date.now() + foreverMs }
    expect((await ensure(request, context)).resolved.stale).toBeUndefined()
    expect(publisher.asked()).toEqual([])
    expect(warnings(publisher)).toEqual([])
  })

  test('comes from a mirror that the provider knows when the publisher does not have it', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    publisher.publish('1', '1', second)
    const pinFile = await pinned(publisher)
    publisher.withdraw('1', '1')
    await ensure(request, publisher.context('other', { pinFile }))
    expect(publisher.asked()).toEqual([publisher.path('1', '1'), publisher.path('1', '1', second)])
  })

  test('is healed or downloaded again when its cached bytes were changed', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    const { path } = await ensure(request, publisher.context('other', { pinFile }))
    chmodSync(path, 0o644)
    writeFileSync(path, 'somebody wrote to it')
    const again = await ensure(request, publisher.context('other', { pinFile }))
    expect(readFileSync(again.path).equals(bytesOf('1', '1'))).toBe(true)
  })

  test('without the network is an error that names the command', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    const error = await errorOf(ensure(request, publisher.context('other', { pinFile, offline: true })))
    expect(error.code).toBe('OFFLINE')
    expect(error.message).toContain('vmimage fetch acme')
    expect(publisher.asked()).toEqual([])
  })
})

describe('a pinned image that has left', () => {
  test('is found in the archive by its digest, and a warning says where', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    publisher.publish('1', '1', archive)
    publisher.publish('1', '2', archive)
    publisher.withdraw('1', '1')
    publisher.publish('1', '2')
    const base = await ensure(request, publisher.context('other', { pinFile, frozen: true }))
    expect(readFileSync(base.path).equals(bytesOf('1', '1'))).toBe(true)
    expect(warnings(publisher)).toEqual([
      expect.stringMatching(/^Gave up .*404.*mirror\.example\.org/),
      `https://${main}/1/acme-1-1.x86_64.qcow2 has left its place; https://${archive}/1/acme-1-1.x86_64.qcow2 is asked for it.`,
    ])
    expect(publisher.asked().filter((path) => path.endsWith('.qcow2'))).toEqual([
      publisher.path('1', '1'),
      publisher.path('1', '1', second),
      publisher.path('1', '1', archive),
    ])
  })

  test('is not taken from an archive that has another file under its name', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    publisher.publish('1', '1', archive, bytesOf('1', 'rebuilt'))
    publisher.withdraw('1', '1')
    const error = await errorOf(ensure(request, publisher.context('other', { pinFile })))
    expect(error.code).toBe('PIN_GONE')
    expect(publisher.asked()).not.toContain(publisher.path('1', '1', archive))
  })

  test('and is nowhere is an error: what was pinned, where it was looked for, what replaced it, the cure', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    publisher.publish('1', '2')
    publisher.withdraw('1', '1')
    const { code, message } = await errorOf(ensure(request, publisher.context('other', { pinFile })))
    expect(code).toBe('PIN_GONE')
    for (const part of [
      'Acme 1 build 1',
      '"vmimage.lock.json" pins for "acme x86_64"',
      digestOf(bytesOf('1', '1')),
      `https://${main}/1/acme-1-1.x86_64.qcow2 (HTTP 404 Not Found`,
      `https://${second}/1/acme-1-1.x86_64.qcow2 (HTTP 404 Not Found`,
      `\n  https://${archive}/: lists versions (none)`,
      `"acme" is Acme 1 build 2 now: https://${main}/1/acme-1-2.x86_64.qcow2.`,
      'npx vmimage pin --update',
    ])
      expect(message).toContain(part)
  })

  test('is found at the other site also where that lists nothing', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    publisher.publish('1', '1', archive)
    publisher.withdraw('1', '1')
    publisher.mirror.fail(`/${archive}/`, { status: 404 }, Infinity)
    const base = await ensure(request, publisher.context('other', { pinFile }))
    expect(readFileSync(base.path).equals(bytesOf('1', '1'))).toBe(true)
  })

  test('is not said to be gone while its publisher lists it', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    publisher.mirror.fail(publisher.path('1', '1'), { status: 404 }, Infinity)
    const error = await errorOf(ensure(request, publisher.context('other', { pinFile })))
    expect(error.code).toBe('NETWORK')
    expect(error.message).toContain('HTTP 404')
  })

  test('is not said to be gone while its publisher does not answer', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    publisher.mirror.fail(publisher.path('1', '1'), { status: 403 }, Infinity)
    const error = await errorOf(ensure(request, publisher.context('other', { pinFile })))
    expect(error.code).toBe('NETWORK')
    expect(error.message).toContain('HTTP 403')
  })

  test('is not said to be gone when only a mirror says so, and its publisher cannot be asked', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    for (const path of [publisher.path('1', '1'), `/${main}/`, `/${main}/1/`])
      publisher.mirror.fail(path, { status: 403 }, Infinity)
    const error = await errorOf(ensure(request, publisher.context('other', { pinFile })))
    expect(error.code).toBe('NETWORK')
  })

  test('and that nothing replaced is an error that says so', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    publisher.withdraw('1', '1')
    const error = await errorOf(ensure(request, publisher.context('other', { pinFile })))
    expect(error.code).toBe('PIN_GONE')
    expect(error.message).toContain('Nothing replaced it: Cannot find "acme x86_64"')
  })

  test('at its own URL is an error too', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const url = `https://${main}/1/acme-1-1.x86_64.qcow2`
    const pinFile = await pinned(publisher, { url, minimumTrust: 'unverified' })
    publisher.withdraw('1', '1')
    const error = await errorOf(ensure(url, publisher.context('other', { pinFile })))
    expect(error.code).toBe('PIN_GONE')
    expect(error.message).toMatch(/npx vmimage pin --update .*\/acme-1-1\.x86_64\.qcow2/)
  })
})

describe('another file in the place of the pinned one', () => {
  test('is refused, and the error speaks of the pin', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    publisher.publish('1', '1', main, bytesOf('1', 'rebuilt'))
    const { code, message } = await errorOf(ensure(request, publisher.context('other', { pinFile })))
    expect(code).toBe('DIGEST_MISMATCH')
    expect(message).toContain(`"vmimage.lock.json" pins for "acme x86_64" as ${digestOf(bytesOf('1', '1'))}`)
    expect(message).toContain(digestOf(bytesOf('1', 'rebuilt')))
    expect(message).toContain('the publisher has changed the file')
    expect(message).toContain('npx vmimage pin --update')
  })

  test('does not matter when the archive has the pinned one', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    publisher.publish('1', '1', main, bytesOf('1', 'rebuilt'))
    publisher.publish('1', '1', archive)
    const base = await ensure(request, publisher.context('other', { pinFile }))
    expect(readFileSync(base.path).equals(bytesOf('1', '1'))).toBe(true)
  })
})

describe('frozen', () => {
  test.each([
    ['by the option', { frozen: true }, {}],
    ['by the variable', {}, { VMIMAGE_FROZEN: '1' }],
    ['by itself in CI', {}, { CI: 'true' }],
  ])('%s: what is not pinned is an error before anybody is asked', async (_, options, env) => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    const context = publisher.context('other', { pinFile, ...options }, env)
    const { code, message } = await errorOf(ensure({ provider: acme, version: '1' }, context))
    expect(code).toBe('NOT_PINNED')
    expect(message).toContain(`"acme:1 x86_64"`)
    expect(message).toMatch(/\nRun: npx vmimage pin .*acme:1, and commit the file/)
    expect(publisher.asked()).toEqual([])
  })

  test('it serves nothing from the cache that is not pinned', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    const input = { provider: acme, version: '1' }
    await ensure(input, publisher.context('other'))
    const error = await errorOf(ensure(input, publisher.context('other', { pinFile, frozen: true })))
    expect(error.code).toBe('NOT_PINNED')
  })

  test('without a pin file is an error', async () => {
    await using publisher = await startMovingPublisher()
    const error = await errorOf(ensure(request, publisher.context('other', { frozen: true })))
    expect(error).toMatchObject({
      code: 'NOT_PINNED',
      message: expect.stringContaining('there is no pin file'),
    })
  })

  test.each([
    ['in CI without a pin file', false, {}, { CI: '1' }],
    ['in CI when the option says no', true, { frozen: false }, { CI: '1' }],
    ['in CI when the variable says no', true, {}, { CI: '1', VMIMAGE_FROZEN: '0' }],
    ['at home', true, {}, {}],
    ['where CI says no', true, {}, { CI: 'false' }],
  ])(
    '%s nothing is: what is not pinned is resolved, and not written down',
    async (_, hasPins, options, env) => {
      await using publisher = await startMovingPublisher()
      publisher.publish('1', '1')
      const file = await pinned(publisher)
      const before = readFileSync(file)
      const pinFile = hasPins ? file : undefined
      const context = publisher.context('other', { pinFile, ...options }, env)
      expect(await ensure({ provider: acme, version: '1' }, context)).toMatchObject({ trust: 'checksum' })
      expect(readFileSync(file).equals(before)).toBe(true)
    },
  )

  test('a request that says what the file is needs no pin', async () => {
    await using publisher = await startMovingPublisher()
    publisher.publish('1', '1')
    const pinFile = await pinned(publisher)
    const url = `https://${main}/1/acme-1-1.x86_64.qcow2`
    const context = () => publisher.context('other', { pinFile, frozen: true })
    expect((await errorOf(ensure({ url, minimumTrust: 'unverified' }, context()))).code).toBe('NOT_PINNED')
    const checksum = digestOf(bytesOf('1', '1'))
    expect(await ensure({ url, checksum }, context())).toMatchObject({ trust: 'pinned' })
  })
})

test('a checksum that contradicts the pin is an error, before anybody is asked', async () => {
  await using publisher = await startMovingPublisher()
  publisher.publish('1', '1')
  const pinFile = await pinned(publisher)
  const checksum = digestOf(bytesOf('2', '1'))
  const error = await errorOf(ensure({ ...request, checksum }, publisher.context('other', { pinFile })))
  expect(error.code).toBe('CHECKSUM_CONFLICT')
  expect(error.message).toContain('vmimage.lock.json')
  expect(publisher.asked()).toEqual([])
})

test('openVmImage() uses the pins that it is told of', async () => {
  await using publisher = await startMovingPublisher()
  publisher.publish('1', '1')
  const pinFile = await pinned(publisher)
  publisher.publish('1', '2')
  const { cacheDir, overlayDir, mirror, arch } = publisher.context('other')
  const options = { cacheDir, overlayDir, mirror, arch }
  await using image = await openVmImage(request, { ...options, pinFile })
  expect(image).toMatchObject({ build: '1', trust: 'pinned' })
  await using unpinned = await openVmImage(request, { ...options, frozen: false })
  expect(unpinned).toMatchObject({ build: '2', trust: 'checksum' })
})

test('a pin file that is named and does not exist is an error', async () => {
  await using publisher = await startMovingPublisher()
  const pinFile = join(publisher.directory, 'mispelt.json')
  const error = await errorOf(ensure(request, publisher.context('other', { pinFile })))
  expect(error).toMatchObject({ code: 'INVALID_PINS', message: expect.stringContaining(pinFile) })
})
