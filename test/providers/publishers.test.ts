import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishSmallImages } from '../../fixtures/publishers.js'
import { imageProviders } from '../../src/providers/index.js'
import { resolveThrough } from '../resolve/resolve-through.js'
import { startMirror } from '../support/mirror.js'
import { type TempDir, tempDir } from '../support/temp-dir.js'

let directory: TempDir

beforeAll(async () => {
  directory = await tempDir()
  const { providers } = await publishSmallImages(directory.path)
  for (const provider of providers) imageProviders.add(provider)
})

afterAll(() => directory[Symbol.asyncDispose]())

test.each([
  'fedora',
  'fedora:43',
  'fedora:41',
  'debian',
  'debian:12',
  'ubuntu',
  'ubuntu:24.04',
  'cirros:0.6.1',
  { name: 'fedora', arch: 'aarch64' },
  { name: 'debian', arch: 'aarch64' },
])('the embedded publishers serve a small image for %j that has the digest they give', async (input) => {
  await using mirror = await startMirror(directory.path)
  const image = await resolveThrough(mirror, input)
  const { algorithm, hex } = image.digest ?? expect.fail('it has no digest')
  const bytes = await readFile(join(directory.path, image.url.replace('https://', '')))
  expect(createHash(algorithm).update(bytes).digest('hex')).toBe(hex)
  expect([undefined, bytes.length]).toContain(image.sizeBytes)
})
