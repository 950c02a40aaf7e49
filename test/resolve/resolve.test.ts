import { beforeAll, describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { httpFaultOf } from '../../src/http/fault.js'
import { defineProvider, type ProviderDefinition } from '../../src/providers/index.js'
import { parseRequest } from '../../src/request/request.js'
import { resolveImage } from '../../src/resolve/resolve.js'
import { startMirror } from '../support/mirror.js'
import { resolveThrough } from './resolve-through.js'

const main = 'main.example.org/acme/'
const archive = 'archive.example.org/acme/'
const hex = 'ab'.repeat(32)
const otherHex = 'cd'.repeat(32)

const acme = defineProvider({
  name: 'acme',
  sources: [
    {
      versionsUrl: `https://${main}`,
      imagesUrl: `https://${main}{version}/`,
      mirrors: ['https://mirror.example.org/of/acme/'],
    },
    { versionsUrl: `https://${archive}`, imagesUrl: `https://${archive}{version}/` },
  ],
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
})

/** A provider like acme with its main source only. */
function acmeWith(facts: Partial<ProviderDefinition>) {
  const { name, imagePattern } = acme
  const source = { versionsUrl: `https://${main}`, imagesUrl: `https://${main}{version}/` }
  return defineProvider({ name, imagePattern, ...source, ...facts })
}

function listing(...names: readonly string[]): string {
  const links = names.map((name) => `<a href="${name}">${name}</a>`)
  return `<title>Index of /</title><pre><a href="../">../</a>\n${links.join('\n')}\n</pre>`
}

/** The files of a source: an image (and its checksum) for each version, a listing alone for `empty` ones. */
function site(
  root: string,
  versions: readonly string[],
  empty: readonly string[] = [],
): Record<string, string> {
  const files: Record<string, string> = {
    [`${root}index.html`]: listing(...[...versions, ...empty].map((version) => `${version}/`)),
  }
  for (const version of empty) files[`${root}${version}/index.html`] = listing()
  for (const version of versions) {
    const image = `acme-${version}-1.x86_64.qcow2`
    files[`${root}${version}/index.html`] = listing(image, 'SHA256SUMS')
    files[`${root}${version}/SHA256SUMS`] = `${hex}  ${image}\n`
  }
  return files
}

describe('resolveImage()', () => {
  test('knows the digest and all addresses before the image is asked for', async () => {
    await using mirror = await startMirror(site(main, ['9', '10']))
    const image = await resolveThrough(mirror, { provider: acme })
    expect(image).toEqual({
      name: 'Acme',
      provider: 'acme',
      version: '10',
      build: '1',
      arch: 'x86_64',
      variant: undefined,
      file: 'acme-10-1.x86_64.qcow2',
      url: `https://${main}10/acme-10-1.x86_64.qcow2`,
      urls: [
        `https://${main}10/acme-10-1.x86_64.qcow2`,
        'https://mirror.example.org/of/acme/10/acme-10-1.x86_64.qcow2',
      ],
      digest: { algorithm: 'sha256', hex },
      sizeBytes: undefined,
      compression: 'none',
      format: 'qcow2',
      trust: 'checksum',
      checksumUrl: `https://${main}10/SHA256SUMS`,
    })
    expect(mirror.requests.map(({ path }) => path)).toEqual([
      `/${main}`,
      `/${main}10/`,
      `/${main}10/SHA256SUMS`,
    ])
  })

  test('takes the newest version that has an image, and says which it passed over', async () => {
    await using mirror = await startMirror(site(main, ['9', '10'], ['11']))
    const warnings: string[] = []
    await expect(resolveThrough(mirror, { provider: acme }, warnings)).resolves.toMatchObject({
      version: '10',
    })
    expect(warnings).toEqual(['Acme: no image for x86_64 in 11; 10 is the newest that has one.'])
  })

  test('never goes down to an old version one by one', async () => {
    const files = { ...site(main, ['7'], ['8', '9', '10']), ...site(archive, []) }
    await using mirror = await startMirror(files)
    await expect(resolveThrough(mirror, { provider: acme })).rejects.toMatchObject({ code: 'NO_MATCH' })
  })

  test('finds a version that has moved to the archive, without a warning', async () => {
    const moved = { ...site(main, ['11'], ['10']), ...site(archive, ['10']) }
    delete moved[`${main}10/index.html`]
    await using mirror = await startMirror(moved)
    const warnings: string[] = []
    const image = await resolveThrough(mirror, { provider: acme, version: 10 }, warnings)
    expect(image.url).toBe(`https://${archive}10/acme-10-1.x86_64.qcow2`)
    expect(warnings).toEqual([])
  })

  test('lists every address with what was found there when nothing fits', async () => {
    await using mirror = await startMirror({ ...site(main, ['9', '10'], ['11']), ...site(archive, ['8']) })
    await expect(resolveThrough(mirror, { provider: acme, version: '11' })).rejects.toMatchObject({
      code: 'NO_MATCH',
      message:
        'Cannot find "acme:11 x86_64": every server answered, and nothing that they list fits.\n' +
        'Ask for a version, build, variant or architecture that is listed. Tried:\n' +
        `  https://${main}: lists versions 9, 10, 11\n` +
        `  https://${main}11/: none of 0 files fits "acme-{version}-{build}.{arch}.qcow2": it is empty\n` +
        `  https://${archive}: lists versions 8`,
    })
  })

  describe('when the main server fails', () => {
    test.each([
      ['lists no versions', `/${main}`, 503],
      ['has lost its tree', `/${main}`, 404],
      ['refuses a listing of images', `/${main}10/`, 403],
    ])('and %s, resolves to no older version', async (_, path, status) => {
      await using mirror = await startMirror({ ...site(main, ['9', '10']), ...site(archive, ['8']) })
      mirror.fail(path, { status }, Number.POSITIVE_INFINITY)
      const failing = resolveThrough(mirror, { provider: acme })
      await expect(failing).rejects.toMatchObject({ code: 'NETWORK' })
      await expect(failing).rejects.toThrow(`https:/${path}: HTTP ${status}`)
      await expect(failing).rejects.toSatisfy((error) => httpFaultOf(error)?.status === status)
    })

    test('takes from another the very version that was asked for', async () => {
      await using mirror = await startMirror({ ...site(main, ['10']), ...site(archive, ['10']) })
      mirror.fail(`/${main}`, { status: 503 }, Number.POSITIVE_INFINITY)
      const image = await resolveThrough(mirror, { provider: acme, version: '10' })
      expect(image.url).toContain(archive)
    })

    test('takes from another no version that merely continues what was asked for', async () => {
      await using mirror = await startMirror({ ...site(main, ['10.2']), ...site(archive, ['10.1']) })
      mirror.fail(`/${main}`, { status: 503 }, Number.POSITIVE_INFINITY)
      await expect(resolveThrough(mirror, { provider: acme, version: '10' })).rejects.toMatchObject({
        code: 'NETWORK',
      })
    })
  })

  test('says that a page is no listing, and asks nobody else', async () => {
    await using mirror = await startMirror({
      ...site(archive, ['10']),
      [`${main}index.html`]: '<title>Hotel WiFi</title><a href="login">Log in</a>',
    })
    await expect(resolveThrough(mirror, { provider: acme })).rejects.toMatchObject({
      code: 'LISTING_UNREADABLE',
    })
  })

  test('opens no socket when the network is switched off', async () => {
    await using mirror = await startMirror(site(main, ['10']))
    const request = parseRequest({ provider: acme })
    const context = makeContext({ mirror: mirror.url, offline: true }, {})
    const resolving = request.kind === 'named' ? resolveImage(request, context) : undefined
    await expect(resolving).rejects.toMatchObject({ code: 'OFFLINE' })
    expect(mirror.requests).toEqual([])
  })

  describe('with a directory for each build', () => {
    const provider = acmeWith({
      buildsUrl: `https://${main}{version}/`,
      buildPattern: 'b{build}',
      imagesUrl: `https://${main}{version}/b{build}/`,
      imagePattern: 'acme-{version}.{arch}.qcow2',
    })
    const files = {
      [`${main}index.html`]: listing('10/'),
      [`${main}10/index.html`]: listing('b2/', 'b10/', 'b9/', 'latest/'),
      [`${main}10/b10/index.html`]: listing('SHA256SUMS'),
      [`${main}10/b9/index.html`]: listing('acme-10.x86_64.qcow2', 'SHA256SUMS'),
      [`${main}10/b9/SHA256SUMS`]: `${hex}  acme-10.x86_64.qcow2\n`,
    }

    test('takes the newest build that is complete, and says which it passed over', async () => {
      await using mirror = await startMirror(files)
      const warnings: string[] = []
      await expect(resolveThrough(mirror, { provider }, warnings)).resolves.toMatchObject({ build: '9' })
      expect(warnings).toEqual([
        'Acme: no image for x86_64 in build 10; build 9 of 10 is the newest that has one.',
      ])
    })

    test('keeps to the build that was asked for', async () => {
      await using mirror = await startMirror(files)
      await expect(resolveThrough(mirror, { provider, build: '10' })).rejects.toMatchObject({
        code: 'NO_MATCH',
      })
    })
  })

  describe('digests', () => {
    const image = 'acme-10-1.x86_64.qcow2'
    let files: Record<string, string> = {}
    beforeAll(() => {
      files = site(main, ['10'])
    })

    test("pins the caller's digest, without a checksum file at its publisher", async () => {
      await using mirror = await startMirror({ ...files, [`${main}10/index.html`]: listing(image) })
      const resolved = await resolveThrough(mirror, { provider: acme, checksum: `sha512:${hex}${hex}` })
      expect(resolved).toMatchObject({
        trust: 'pinned',
        digest: { algorithm: 'sha512' },
        checksumUrl: undefined,
      })
    })

    test("pins the caller's digest that the checksum file does not name", async () => {
      await using mirror = await startMirror({
        ...files,
        [`${main}10/SHA256SUMS`]: `${otherHex}  other.qcow2\n`,
      })
      await expect(
        resolveThrough(mirror, { provider: acme, checksum: `sha256:${hex}` }),
      ).resolves.toMatchObject({
        trust: 'pinned',
      })
    })

    test("refuses a digest that is not the publisher's", async () => {
      await using mirror = await startMirror(files)
      await expect(
        resolveThrough(mirror, { provider: acme, checksum: `sha256:${otherHex}` }),
      ).rejects.toMatchObject({
        code: 'CHECKSUM_CONFLICT',
      })
    })

    test('pins what the provider knows, and does not ask for a checksum file', async () => {
      await using mirror = await startMirror(files)
      const provider = acmeWith({ knownDigests: { [image]: `sha256:${otherHex}` } })
      await expect(resolveThrough(mirror, { provider })).resolves.toMatchObject({
        trust: 'pinned',
        digest: { hex: otherHex },
        checksumUrl: undefined,
      })
    })

    test('calls an image with md5 alone unverified, and says so', async () => {
      await using mirror = await startMirror({
        ...files,
        [`${main}10/index.html`]: listing(image, 'MD5SUMS'),
        [`${main}10/MD5SUMS`]: `${'0'.repeat(32)}  ${image}\n`,
      })
      const warnings: string[] = []
      await expect(resolveThrough(mirror, { provider: acme }, warnings)).resolves.toMatchObject({
        trust: 'unverified',
      })
      expect(warnings.join()).toContain('which can be forged')
    })

    test('refuses an image that nobody vouches for, and says what to do', async () => {
      await using mirror = await startMirror({ ...files, [`${main}10/index.html`]: listing(image) })
      const resolving = resolveThrough(mirror, { provider: acme })
      await expect(resolving).rejects.toMatchObject({ code: 'CHECKSUM_MISSING' })
      await expect(resolving).rejects.toThrow("Say what the image is, { checksum: 'sha256:<hex>' }")
    })
  })
})
