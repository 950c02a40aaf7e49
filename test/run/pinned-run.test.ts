/** What the workers of a run know of pins: they have no network and read no pin file. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Options } from '../../src/options.js'
import { type ImageInput, parseRequest } from '../../src/request/request.js'
import { findPrepared } from '../../src/run/prepared.js'
import { type RunInfo, startRun } from '../../src/run/run.js'
import { errorOf } from '../support/error-of.js'
import { acme, type MovingPublisher, startMovingPublisher } from '../support/moving-publisher.js'
import { ensure, pinTo } from '../image/pinning.js'

const request = { provider: acme }
const exact = { provider: acme, version: '1' }

async function pinned() {
  const publisher = await startMovingPublisher()
  publisher.publish('1', '1')
  const pinFile = join(publisher.directory, 'vmimage.lock.json')
  await pinTo(pinFile, request, publisher.context('author'))
  publisher.publish('1', '2')
  return { publisher, pinFile, [Symbol.asyncDispose]: publisher[Symbol.asyncDispose] }
}

/** What workers are told, as they get it: through JSON, and with the pin file gone. */
async function infoOf(
  publisher: MovingPublisher,
  images: readonly ImageInput[],
  options: Options,
): Promise<RunInfo> {
  const run = await startRun({ images }, publisher.context('runner', options))
  run.close()
  const info = JSON.parse(JSON.stringify(run.info)) as RunInfo // plain JSON by its promise
  return { ...info, leaseDir: undefined }
}

const find = async (input: ImageInput, info: RunInfo) => findPrepared(parseRequest(input), info, undefined)

describe('a run with pins', () => {
  test('prepares the pinned image', async () => {
    await using place = await pinned()
    const { publisher, pinFile } = place
    const info = await infoOf(publisher, [request], { pinFile })
    expect(await find(request, info)).toMatchObject({ build: '1', trust: 'pinned' })
  })

  test('serves from the cache the pinned one, and not the newer one that it also has', async () => {
    await using place = await pinned()
    const { publisher, pinFile } = place
    await ensure(request, publisher.context('runner'))
    await ensure(request, publisher.context('runner', { pinFile }))
    const info = await infoOf(publisher, [], { pinFile })
    rmSync(pinFile)
    const old = { ...info, maxResolveAgeMs: -1 }
    expect(await find(request, old)).toMatchObject({ build: '1', trust: 'pinned', resolved: {} })
    expect((await find(request, old)).resolved.stale).toBeUndefined()
  })

  test('does not serve another one in the place of a pinned one that is not cached', async () => {
    await using place = await pinned()
    const { publisher, pinFile } = place
    await ensure(request, publisher.context('runner'))
    const info = await infoOf(publisher, [], { pinFile })
    expect((await errorOf(find(request, info))).code).toBe('NOT_CACHED')
  })

  test('that is frozen serves nothing that is not pinned, prepared or cached', async () => {
    await using place = await pinned()
    const { publisher, pinFile } = place
    await ensure(exact, publisher.context('runner'))
    const cached = await infoOf(publisher, [], { pinFile, frozen: true })
    const listed = await infoOf(publisher, [exact], { pinFile, frozen: true })
    for (const info of [cached, listed]) {
      expect(await errorOf(find(exact, info))).toMatchObject({
        code: 'NOT_PINNED',
        message: expect.stringMatching(/npx vmimage pin .*acme:1/),
      })
    }
    expect(await find(exact, await infoOf(publisher, [], { pinFile }))).toMatchObject({ build: '2' })
  })

  test('does not start with a pin file that is none', async () => {
    await using place = await pinned()
    const { publisher, pinFile } = place
    writeFileSync(pinFile, '<<<<<<< HEAD\n')
    expect((await errorOf(infoOf(publisher, [], { pinFile }))).code).toBe('INVALID_PINS')
  })
})
