import { beforeAll, describe, expect, test } from 'vitest'
import { startMirror } from '../support/mirror.js'
import { acme, acmeWith, hex, listing, main, otherHex, site } from './acme-site.js'
import { resolveThrough } from './resolve-through.js'

describe('findChecksum()', () => {
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

  test('refuses two digests in one file, also where the caller gives one', async () => {
    const sums = `${hex}  ${image}\n${otherHex}  ${image}\n`
    await using mirror = await startMirror({ ...files, [`${main}10/SHA256SUMS`]: sums })
    for (const more of [{}, { checksum: `sha256:${hex}` }]) {
      await expect(resolveThrough(mirror, { provider: acme, version: '10', ...more })).rejects.toMatchObject({
        code: 'CHECKSUM_CONFLICT',
      })
    }
  })

  test('reads the next checksum file where the first is gone or does not name the image', async () => {
    const beside = listing(image, 'SHA512SUMS', 'SHA256SUMS', 'SHA1SUMS')
    await using mirror = await startMirror({
      ...files,
      [`${main}10/index.html`]: beside,
      [`${main}10/SHA256SUMS`]: `${otherHex}  other.qcow2\n`,
      [`${main}10/SHA1SUMS`]: `${'0'.repeat(40)}  ${image}\n`,
    })
    await expect(resolveThrough(mirror, { provider: acme, version: '10' })).resolves.toMatchObject({
      digest: { algorithm: 'sha1' },
      checksumUrl: `https://${main}10/SHA1SUMS`,
    })
  })

  test.each([
    [404, 'CHECKSUM_MISSING'],
    [503, 'NETWORK'],
  ])('fails where the only checksum file answers %i', async (status, code) => {
    await using mirror = await startMirror(files)
    mirror.fail(`/${main}10/SHA256SUMS`, { status }, Number.POSITIVE_INFINITY)
    const resolving = resolveThrough(mirror, { provider: acme, version: '10' })
    await expect(resolving).rejects.toMatchObject({ code })
    await expect(resolving).rejects.toThrow(`HTTP ${status}`)
  })

  test('tries a mirror when the site is down, and names all that failed', async () => {
    const sums = `${main}10/SHA256SUMS`
    const mirrored = 'mirror.example.org/of/acme/10/SHA256SUMS'
    await using mirror = await startMirror({ ...files, [mirrored]: `${hex}  ${image}\n` })
    mirror.fail(`/${sums}`, { status: 503 }, Number.POSITIVE_INFINITY)
    await expect(resolveThrough(mirror, { provider: acme, version: '10' })).resolves.toMatchObject({
      checksumUrl: `https://${mirrored}`,
    })
    mirror.fail(`/${mirrored}`, { status: 500 }, Number.POSITIVE_INFINITY)
    await expect(resolveThrough(mirror, { provider: acme, version: '10' })).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringMatching(/SHA256SUMS"[^]*HTTP 503[^]*mirror\.example\.org[^]*HTTP 500/),
    })
  })

  test('reads no weaker checksum file because the server with the preferred one is down', async () => {
    await using mirror = await startMirror({
      ...files,
      [`${main}10/index.html`]: listing(image, 'SHA256SUMS', 'MD5SUMS'),
      [`${main}10/MD5SUMS`]: `${'0'.repeat(32)}  ${image}\n`,
    })
    mirror.fail(`/${main}10/SHA256SUMS`, { status: 503 }, Number.POSITIVE_INFINITY)
    await expect(resolveThrough(mirror, { provider: acme, version: '10' })).rejects.toMatchObject({
      code: 'NETWORK',
    })
  })

  test('leaves out a name of a checksum file that has a word which is not known', async () => {
    await using mirror = await startMirror(files)
    const provider = acmeWith({ checksumFiles: ['{codename}-SUMS', 'SHA256SUMS'] })
    await expect(resolveThrough(mirror, { provider })).resolves.toMatchObject({ trust: 'checksum' })
  })

  test("believes the checksum file's size before the listing's", async () => {
    await using mirror = await startMirror({
      ...files,
      [`${main}10/index.html`]: JSON.stringify([{ name: image, size: 1 }, { name: 'SHA256SUMS' }]),
      [`${main}10/SHA256SUMS`]: `# ${image}: 42 bytes\n${hex}  ${image}\n`,
    })
    await expect(resolveThrough(mirror, { provider: acme, version: '10' })).resolves.toMatchObject({
      sizeBytes: 42,
    })
  })

  test("holds the image against the publisher's digest where the caller's is weak, and says so", async () => {
    await using mirror = await startMirror(files)
    const warnings: string[] = []
    const request = { provider: acmeWith({}), checksum: `md5:${'0'.repeat(32)}` }
    await expect(resolveThrough(mirror, request, warnings)).resolves.toMatchObject({
      digest: { algorithm: 'sha256', hex },
      trust: 'checksum',
    })
    expect(warnings).toEqual([
      `${image} is held against sha256:${hex}; md5:${'0'.repeat(32)} of the request is not used, as it can be forged.`,
    ])
  })

  test('calls an image unverified where its provider says that of the publisher', async () => {
    await using mirror = await startMirror(files)
    const warnings: string[] = []
    const provider = acmeWith({ trust: 'unverified' })
    await expect(resolveThrough(mirror, { provider }, warnings)).resolves.toMatchObject({
      trust: 'unverified',
    })
    expect(warnings.join()).toContain('its provider says')
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
