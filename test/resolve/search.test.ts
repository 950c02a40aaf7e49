import { describe, expect, test } from 'vitest'
import { httpFaultOf } from '../../src/http/fault.js'
import { defineProvider } from '../../src/providers/index.js'
import { startMirror } from '../support/mirror.js'
import { acme, acmeWith, archive, hex, listing, main, site } from './acme-site.js'
import { resolveThrough } from './resolve-through.js'

describe('searchSites()', () => {
  test('takes the newest version that has an image, and says which it passed over', async () => {
    await using mirror = await startMirror({
      ...site(main, ['9', '10'], ['11']),
      ...site(archive, [], ['11']),
    })
    const warnings: string[] = []
    await expect(resolveThrough(mirror, { provider: acme }, warnings)).resolves.toMatchObject({
      version: '10',
    })
    expect(warnings).toEqual(['Acme: no image for x86_64 in 11; 10 is the newest that has one.'])
  })

  test('takes the newest version of all sites, and of two with the same version the first', async () => {
    await using mirror = await startMirror({ ...site(main, ['9', '8']), ...site(archive, ['11', '9', '8']) })
    const warnings: string[] = []
    await expect(resolveThrough(mirror, { provider: acme }, warnings)).resolves.toMatchObject({
      url: `https://${archive}11/acme-11-1.x86_64.qcow2`,
    })
    await expect(resolveThrough(mirror, { provider: acme, version: '<11' })).resolves.toMatchObject({
      url: `https://${main}9/acme-9-1.x86_64.qcow2`,
    })
    expect(warnings).toEqual([])
  })

  test('asks no other site when the first has the very version', async () => {
    await using mirror = await startMirror({ ...site(main, ['9']), ...site(archive, ['9']) })
    await resolveThrough(mirror, { provider: acme, version: '9' })
    expect(mirror.requests.filter(({ path }) => path.includes('archive'))).toEqual([])
  })

  test('names a version that no site has an image of once', async () => {
    await using mirror = await startMirror({
      ...site(main, ['10'], ['12']),
      ...site(archive, [], ['12']),
    })
    const warnings: string[] = []
    await resolveThrough(mirror, { provider: acme }, warnings)
    expect(warnings).toEqual(['Acme: no image for x86_64 in 12; 10 is the newest that has one.'])
  })

  test('says that a site further on, which may have a newer version, did not answer', async () => {
    await using mirror = await startMirror(site(main, ['10']))
    mirror.fail(`/${archive}`, { status: 503 }, Number.POSITIVE_INFINITY)
    const warnings: string[] = []
    await expect(resolveThrough(mirror, { provider: acme }, warnings)).resolves.toMatchObject({
      version: '10',
    })
    expect(warnings.join()).toMatch(/newer version than 10 is not certain.*archive.*HTTP 503/)
  })

  describe('with an archive', () => {
    const provider = defineProvider({
      name: 'acme',
      imagePattern: acme.imagePattern,
      sources: [main, archive].map((root) => ({
        versionsUrl: `https://${root}`,
        imagesUrl: `https://${root}{version}/`,
        isArchive: root === archive,
      })),
    })

    test('does not ask it for what the publisher still has', async () => {
      await using mirror = await startMirror({ ...site(main, ['10', '9']), ...site(archive, ['8']) })
      await expect(resolveThrough(mirror, { provider })).resolves.toMatchObject({ version: '10' })
      await expect(resolveThrough(mirror, { provider, version: '<10' })).resolves.toMatchObject({
        version: '9',
      })
      expect(mirror.requests.filter(({ path }) => path.includes('archive'))).toEqual([])
    })

    test.each(['8', '>7 <9', /8/])('asks it for what has moved there: %s', async (version) => {
      await using mirror = await startMirror({ ...site(main, ['10'], ['8']), ...site(archive, ['8', '7']) })
      await expect(resolveThrough(mirror, { provider, version })).resolves.toMatchObject({
        url: `https://${archive}8/acme-8-1.x86_64.qcow2`,
      })
    })

    test('never takes its old version for the newest when the publisher does not answer', async () => {
      await using mirror = await startMirror(site(archive, ['8']))
      mirror.fail(`/${main}`, { status: 503 }, Number.POSITIVE_INFINITY)
      await expect(resolveThrough(mirror, { provider })).rejects.toMatchObject({ code: 'NETWORK' })
      await expect(resolveThrough(mirror, { provider, version: '8' })).resolves.toMatchObject({
        version: '8',
      })
    })
  })

  describe('with files that go on where their directory ends', () => {
    const provider = acmeWith({})
    const files = {
      [`${main}index.html`]: listing('8/', '9/'),
      [`${main}8/index.html`]: listing('acme-8.10-1.x86_64.qcow2', 'SHA256SUMS'),
      [`${main}8/SHA256SUMS`]: `${hex}  acme-8.10-1.x86_64.qcow2`,
      [`${main}9/index.html`]: listing('acme-9.7-1.x86_64.qcow2', 'acme-9.8-1.x86_64.qcow2', 'SHA256SUMS'),
      [`${main}9/SHA256SUMS`]: `${hex}  acme-9.7-1.x86_64.qcow2\n${hex}  acme-9.8-1.x86_64.qcow2`,
    }

    test.each([
      ['latest', '9.8'],
      ['9', '9.8'],
      ['9.7', '9.7'],
      ['>=9 <9.8', '9.7'],
      ['>9 <10', '9.8'],
      ['>=8 <9', '8.10'],
      [/9\.\d/, '9.8'],
      [/8\..*/, '8.10'],
    ])('finds %s in %s', async (version, expected) => {
      await using mirror = await startMirror(files)
      const warnings: string[] = []
      const image = await resolveThrough(mirror, { provider, version }, warnings)
      expect(image.version).toBe(expected)
      expect(warnings).toEqual([])
    })

    test.each(['9.6', '>9.8', '10', /9/])('finds nothing for %s', async (version) => {
      await using mirror = await startMirror(files)
      await expect(resolveThrough(mirror, { provider, version })).rejects.toMatchObject({ code: 'NO_MATCH' })
    })
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
        `  https://${main}: lists versions 11, 10, 9\n` +
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
})
