import { describe, expect, test } from 'vitest'
import { startMirror } from '../support/mirror.js'
import { acmeWith, hex, listing, main, site } from './acme-site.js'
import { resolveThrough } from './resolve-through.js'

describe('searchVersion()', () => {
  test('takes no older version where the directory of the newest is a page of another kind', async () => {
    await using mirror = await startMirror({
      ...site(main, ['9', '10']),
      [`${main}10/index.html`]: '<title>Hotel</title><a href="login">login</a>',
    })
    await expect(resolveThrough(mirror, { provider: acmeWith({}) })).rejects.toMatchObject({
      code: 'LISTING_UNREADABLE',
      message: expect.stringContaining(`${main}10/`),
    })
  })

  test('passes over a version whose codename is not known, and says what to add', async () => {
    await using mirror = await startMirror({
      [`${main}index.html`]: listing('9/', '10/'),
      [`${main}nine/index.html`]: listing('acme-9-1.x86_64.qcow2', 'SHA256SUMS'),
      [`${main}nine/SHA256SUMS`]: `${hex}  acme-9-1.x86_64.qcow2`,
    })
    const provider = acmeWith({ imagesUrl: `https://${main}{codename}/`, codenames: { '9': 'nine' } })
    const warnings: string[] = []
    await expect(resolveThrough(mirror, { provider }, warnings)).resolves.toMatchObject({ version: '9' })
    expect(warnings[0]).toContain('the codename of 10, which its addresses need, is not known. Add it')
    expect(warnings[0]).toContain(`{ '10': '...' }`)
    await expect(resolveThrough(mirror, { provider, version: '10' })).rejects.toMatchObject({
      code: 'NO_MATCH',
      message: expect.stringContaining('codename of 10'),
    })
  })

  test('asks under addresses where words are written as addresses need it', async () => {
    const provider = acmeWith({
      versionPattern: /(?<version>[\d#]+)/,
      imagePattern: /acme-(?<version>[\d#]+)\.qcow2/,
      archNames: { x86_64: 'x86_64' },
    })
    await using mirror = await startMirror({
      [`${main}index.html`]: JSON.stringify([{ name: '10#1', type: 'dir' }]),
    })
    await expect(resolveThrough(mirror, { provider })).rejects.toMatchObject({ code: 'NO_MATCH' })
    expect(mirror.requests.map(({ path }) => path)).toContain(`/${main}10#1/`)
  })

  test('takes only directories for versions', async () => {
    await using mirror = await startMirror({ [`${main}index.html`]: listing('10') })
    await expect(resolveThrough(mirror, { provider: acmeWith({}) })).rejects.toThrow('lists versions (none)')
  })

  test('takes 410 for an absence as well', async () => {
    await using mirror = await startMirror(site(main, ['9', '10']))
    mirror.fail(`/${main}10/`, { status: 410 }, Number.POSITIVE_INFINITY)
    await expect(resolveThrough(mirror, { provider: acmeWith({}) })).resolves.toMatchObject({ version: '9' })
  })

  test('refuses two files of one build', async () => {
    const images = ['acme-10-base.x86_64.qcow2', 'acme-10-lvm.x86_64.qcow2']
    await using mirror = await startMirror({
      [`${main}index.html`]: listing('10/'),
      [`${main}10/index.html`]: listing(...images),
    })
    const provider = acmeWith({ imagePattern: 'acme-{version}-{variant}.{arch}.qcow2' })
    await expect(resolveThrough(mirror, { provider })).rejects.toMatchObject({
      code: 'AMBIGUOUS_MATCH',
      message: expect.stringContaining('Ask for one { variant }: base, lvm.'),
    })
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

    test('never goes down to an old build one by one', async () => {
      const builds = { ...files, [`${main}10/index.html`]: listing('b13/', 'b12/', 'b11/', 'b9/') }
      await using mirror = await startMirror(builds)
      await expect(resolveThrough(mirror, { provider })).rejects.toMatchObject({ code: 'NO_MATCH' })
    })

    test('takes only directories for builds', async () => {
      await using mirror = await startMirror({ ...files, [`${main}10/index.html`]: listing('b9') })
      await expect(resolveThrough(mirror, { provider })).rejects.toThrow('lists builds (none)')
    })

    test('keeps to the build that was asked for', async () => {
      await using mirror = await startMirror(files)
      await expect(resolveThrough(mirror, { provider, build: '10' })).rejects.toMatchObject({
        code: 'NO_MATCH',
        message: expect.stringContaining('lists builds 10, 9, 2'),
      })
    })
  })
})
