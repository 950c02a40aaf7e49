/** A provider whose images are in a directory of this machine. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import type { Options } from '../../src/options.js'
import { ensureBaseImage } from '../../src/image/ensure-base-image.js'
import { defineProvider, type Provider } from '../../src/providers/index.js'
import { parseRequest } from '../../src/request/request.js'
import { makeKey, signDetached } from '../support/keys.js'
import { startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function providerOf(directory: string) {
  const root = pathToFileURL(directory).href
  return defineProvider({
    name: 'golden',
    versionsUrl: root,
    imagesUrl: `${root}/{version}/`,
    imagePattern: /golden-(?<version>[\d.]+)-(?<build>\d+)\.(?<arch>\w+)\.qcow2(?:\.xz)?/,
  })
}

/** Two versions, with images whose checksum file is beside them. */
function fill(directory: string): void {
  for (const name of ['golden-1.9-7.x86_64.qcow2', 'golden-1.10-8.x86_64.qcow2']) {
    const [, version = ''] = /-([\d.]+)-/.exec(name) ?? []
    mkdirSync(join(directory, version), { recursive: true })
    const bytes = smallQcow2(name)
    writeFileSync(join(directory, version, name), bytes)
    writeFileSync(join(directory, version, 'SHA256SUMS'), `${sha256(bytes)}  ${name}\n`)
  }
}

async function ensure(directory: string, cacheDir: string, options: Options & { version?: string } = {}) {
  const { version, ...others } = options
  const context = makeContext({ cacheDir, offline: true, arch: 'x86_64', ...others }, {})
  return ensureBaseImage(parseRequest({ provider: providerOf(directory), version }), undefined, context)
}

test('the newest image of a directory is used where it lies, without network and without a copy', async () => {
  await using dir = await tempDir()
  const cache = join(dir.path, 'cache')
  const images = join(dir.path, 'images')
  fill(images)
  await expect(ensure(images, cache)).resolves.toMatchObject({
    name: 'Golden',
    version: '1.10',
    build: '8',
    path: join(images, '1.10', 'golden-1.10-8.x86_64.qcow2'),
    trust: 'checksum',
    leaseDir: undefined,
  })
  await expect(ensure(images, cache, { version: '1.9' })).resolves.toMatchObject({ version: '1.9' })
  expect(readdirSync(dir.path)).toEqual(['images'])
})

test('without a checksum file it is used on the word of the user, whatever is asked for', async () => {
  await using dir = await tempDir()
  mkdirSync(join(dir.path, '2'))
  writeFileSync(join(dir.path, '2', 'golden-2-1.x86_64.qcow2'), smallQcow2('golden 2'))
  await expect(ensure(dir.path, join(dir.path, 'cache'), { minimumTrust: 'signed' })).resolves.toMatchObject({
    version: '2',
    trust: 'unverified',
  })
})

test('a packed image is unpacked into the cache, and the packed one stays', async () => {
  await using dir = await tempDir()
  const images = join(dir.path, 'images')
  mkdirSync(join(images, '3'), { recursive: true })
  const name = 'golden-3-1.x86_64.qcow2'
  const bytes = smallQcow2(name)
  writeFileSync(join(images, '3', name), bytes)
  execFileSync('xz', [join(images, '3', name)])
  const base = await ensure(images, join(dir.path, 'cache'))
  expect(base.path).toMatch(/\/cache\/v1\/images\/sha256-[0-9a-f]{64}\/disk$/)
  expect(base).toMatchObject({ name: 'Golden', version: '3', fileName: name })
  expect(readdirSync(join(images, '3'))).toEqual([`${name}.xz`])
})

test('a file that is not what its checksum file says is refused', async () => {
  await using dir = await tempDir()
  fill(dir.path)
  writeFileSync(join(dir.path, '1.10', 'golden-1.10-8.x86_64.qcow2'), smallQcow2('something else'))
  await expect(ensure(dir.path, join(dir.path, 'cache'))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
})

test('a signature over an image is checked where it lies, and what the request itself asks for is held', async () => {
  await using dir = await tempDir()
  const key = await makeKey()
  await using keys = await startMirror({ 'keys.example.org/a.asc': key.armored })
  const bytes = smallQcow2('golden 4')
  const disk = join(dir.path, '4', 'golden-4-1.x86_64.qcow2')
  mkdirSync(join(dir.path, '4'))
  writeFileSync(disk, bytes)
  writeFileSync(`${disk}.asc`, await signDetached(bytes, key))
  const signature = {
    form: 'image' as const,
    file: '{file}.asc',
    fingerprints: [key.fingerprint],
    keyUrls: ['https://keys.example.org/a.asc'],
  }
  const provider = defineProvider({ ...providerOf(dir.path), signatures: [signature] })
  const options = { cacheDir: join(dir.path, 'cache'), arch: 'x86_64', mirror: keys.url }
  const open = async (one: Provider) => {
    const context = makeContext(options, {})
    try {
      const request = parseRequest({ provider: one, minimumTrust: 'signed' })
      return await ensureBaseImage(request, undefined, context)
    } finally {
      await context.http.close()
    }
  }
  await expect(open(provider)).resolves.toMatchObject({
    path: disk,
    trust: 'signed',
    signedBy: key.fingerprint,
  })
  await expect(open(providerOf(dir.path))).rejects.toMatchObject({ code: 'UNTRUSTED' })
  writeFileSync(disk, smallQcow2('something else'))
  await expect(open(provider)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
})

test('a directory that is not there is an error that names it', async () => {
  await using dir = await tempDir()
  const missing = join(dir.path, 'missing')
  await expect(ensure(missing, join(dir.path, 'cache'))).rejects.toMatchObject({
    code: 'FILE_NOT_FOUND',
    message: expect.stringContaining(missing),
  })
})

test('what fits nowhere is said with what there is', async () => {
  await using dir = await tempDir()
  fill(dir.path)
  await expect(ensure(dir.path, join(dir.path, 'cache'), { version: '7' })).rejects.toMatchObject({
    code: 'NO_MATCH',
    message: expect.stringContaining('1.10, 1.9'),
  })
})

test('a version without an image is passed over', async () => {
  await using dir = await tempDir()
  fill(dir.path)
  mkdirSync(join(dir.path, '9'))
  await expect(ensure(dir.path, join(dir.path, 'cache'))).resolves.toMatchObject({ version: '1.10' })
})
