/** Ways to make what is no better than plain http, or no longer signed, look as if it were. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { defineProvider } from '../../src/providers/index.js'
import { makeKey, signDetached, type TestKey } from '../support/keys.js'
import { type Mirror, startMirror } from '../support/mirror.js'
import { certificate } from '../support/mirror-certificate.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'
import { hex, listing, main, site } from './acme-site.js'
import { resolveThrough } from './resolve-through.js'

const plainRoot = 'plain.example.org/acme/'
const image = 'acme-10-1.x86_64.qcow2'
const facts = { name: 'acme', imagePattern: 'acme-{version}-{build}.{arch}.qcow2' }

describe('a site of plain http that leads to https', () => {
  const root = 'acme/'

  /** What a process that believes the certificate makes of the image at `server`. */
  async function trustOf(server: Mirror): Promise<string> {
    await using directory = await tempDir()
    const file = join(directory.path, 'certificate.pem')
    await writeFile(file, certificate)
    await using worker = startWorker(
      `
      const { defineProvider } = await source('providers/index.ts')
      const { makeContext } = await source('context.ts')
      const { parseRequest } = await source('request/request.ts')
      const { resolveImage } = await source('resolve/resolve.ts')
      const provider = defineProvider({
        ...${JSON.stringify(facts)},
        versionsUrl: '${server.url}/${root}',
        imagesUrl: '${server.url}/${root}{version}/',
      })
      const context = makeContext({ arch: 'x86_64' }, {})
      const keys = { find: () => undefined, keep: () => undefined }
      const { version, trust } = await resolveImage(parseRequest({ provider }), context, keys)
      console.log('found ' + version + ' ' + trust)
      await context.http.close()
    `,
      { NODE_EXTRA_CA_CERTS: file },
    )
    return (await worker.line(/^found /)).slice('found '.length)
  }

  test.each(['10/SHA256SUMS', '10/', ''])('is not trusted more for it: %j', async (path) => {
    await using secure = await startMirror(site(root, ['10']), { protocol: 'https' })
    await using plain = await startMirror(site(root, ['10']))
    const away = { status: 302, headers: { location: `${secure.url}/${root}${path}` } }
    plain.fail(`/${root}${path}`, away, Number.POSITIVE_INFINITY)
    expect(await trustOf(plain)).toBe('10 unverified')
    expect(secure.requests.map((request) => request.path)).toEqual([`/${root}${path}`])
  })
})

describe('a document', () => {
  const pointers = { image: '/image', digest: '/sha256' }
  const body = JSON.stringify({ image: `https://${main}${image}`, sha256: hex })
  const documented = defineProvider({
    ...facts,
    imagesUrl: `https://${main}release.json`,
    document: pointers,
    mirrors: [`http://${plainRoot}`],
  })

  test('of the publisher is trusted as a checksum file is', async () => {
    await using mirror = await startMirror({ [`${main}release.json`]: body })
    await expect(resolveThrough(mirror, { provider: documented })).resolves.toMatchObject({
      trust: 'checksum',
      checksumUrl: `https://${main}release.json`,
    })
  })

  test('of a mirror of plain http is not', async () => {
    await using mirror = await startMirror({ [`${plainRoot}release.json`]: body })
    mirror.fail(`/${main}release.json`, { status: 503 }, Number.POSITIVE_INFINITY)
    await expect(resolveThrough(mirror, { provider: documented })).resolves.toMatchObject({
      trust: 'unverified',
      checksumUrl: `http://${plainRoot}release.json`,
    })
  })

  test.each(['checksums', 'clear-signed'] as const)('cannot have a signature of the form %s', (form) => {
    const file = form === 'checksums' ? '{checksums}.asc' : undefined
    const signature = { form, file, fingerprints: ['A'.repeat(40)], keyUrls: ['https://keys.example.org/a'] }
    expect(() => defineProvider({ ...documented, signatures: [signature] })).toThrow(/form image/)
  })
})

describe('a signed checksum file', () => {
  let key: TestKey
  beforeAll(async () => {
    key = await makeKey()
  })

  async function start(more: Readonly<Record<string, string>> = {}) {
    const mirrored = 'mirror.example.org/of/acme/'
    const sums = `${hex}  ${image}\n`
    const signature = await signDetached(sums, key)
    const files = { ...site(main, ['10']), 'keys.example.org/acme.asc': key.armored }
    const mirror = await startMirror({ ...files, [`${main}10/SHA256SUMS.asc`]: signature, ...more })
    const provider = defineProvider({
      ...facts,
      versionsUrl: `https://${main}`,
      imagesUrl: `https://${main}{version}/`,
      mirrors: [`https://${mirrored}`],
      signatures: [
        {
          form: 'checksums',
          file: '{checksums}.asc',
          fingerprints: [key.fingerprint],
          keyUrls: ['https://keys.example.org/acme.asc'],
        },
      ],
    })
    return { mirror, provider, signature, sums, mirrored }
  }

  test('is believed when only its mirror has the signature at the moment, and a warning says so', async () => {
    const { mirror, provider, signature, mirrored } = await start()
    await using _ = mirror
    mirror.fail(`/${main}10/SHA256SUMS.asc`, { status: 503 }, Number.POSITIVE_INFINITY)
    mirror.fail(`/${mirrored}10/SHA256SUMS.asc`, { swap: signature })
    const warnings: string[] = []
    await expect(resolveThrough(mirror, { provider }, warnings)).resolves.toMatchObject({ trust: 'signed' })
    expect(warnings.join()).toMatch(/SHA256SUMS\.asc does not answer; https:\/\/mirror\.example\.org/)
  })

  test('has its signature beside the address that was asked, wherever a redirect leads', async () => {
    const { mirror, provider, sums } = await start()
    await using _ = mirror
    mirror.fail('/cdn.example.org/blob/1234', { swap: sums })
    const location = `${mirror.url}/cdn.example.org/blob/1234`
    mirror.fail(`/${main}10/SHA256SUMS`, { status: 302, headers: { location } }, Number.POSITIVE_INFINITY)
    await expect(resolveThrough(mirror, { provider })).resolves.toMatchObject({
      trust: 'signed',
      signedBy: key.fingerprint,
      signedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })
  })
})

test('a weak digest that a provider knows does not keep the strong one of the publisher away', async () => {
  await using mirror = await startMirror(site(main, ['10']))
  const provider = defineProvider({
    ...facts,
    versionsUrl: `https://${main}`,
    imagesUrl: `https://${main}{version}/`,
    knownDigests: { [image]: `md5:${'0'.repeat(32)}` },
  })
  await expect(resolveThrough(mirror, { provider })).resolves.toMatchObject({
    digest: { algorithm: 'sha256', hex },
    trust: 'checksum',
  })
})

test('a listing that is not there is not asked at the root of the mirror', async () => {
  await using mirror = await startMirror({ 'index.html': listing('10/') })
  mirror.fail(`/${main}`, { status: 302, headers: { location: '/' } }, Number.POSITIVE_INFINITY)
  const provider = defineProvider({
    ...facts,
    versionsUrl: `https://${main}`,
    imagesUrl: `https://${main}{version}/`,
  })
  await expect(resolveThrough(mirror, { provider })).rejects.toMatchObject({
    code: expect.stringMatching(/^(?:NO_MATCH|LISTING_UNREADABLE|NETWORK)$/),
  })
})
