import { describe, expect, test } from 'vitest'
import { addressesOf } from '../../src/resolve/listings.js'
import { startMirror } from '../support/mirror.js'
import { acmeWith, hex, listing, main, otherHex, site } from './acme-site.js'
import { resolveThrough } from './resolve-through.js'

const [first, second] = ['first.example.org/', 'second.example.org/']
const provider = acmeWith({ mirrors: [`https://${first}`, `https://${second}`] })

describe('the mirrors of a site', () => {
  test.each([503, 500])('answer where the site itself answers %i, and the user is told', async (status) => {
    await using mirror = await startMirror({ ...site(main, ['9']), ...site(second, ['9', '10']) })
    for (const path of ['', '10/', '10/SHA256SUMS']) {
      mirror.fail(`/${main}${path}`, { status }, Number.POSITIVE_INFINITY)
    }
    const warnings: string[] = []
    const image = await resolveThrough(mirror, { provider }, warnings)
    expect(image).toMatchObject({ version: '10', trust: 'checksum', digest: { hex } })
    expect(warnings[0]).toMatch(
      `https://${main} does not answer; https://${second} says what is there. Cannot fetch "https://${main}"`,
    )
  })

  test('are not asked where the site has an answer, also that there is nothing', async () => {
    await using mirror = await startMirror({ ...site(main, ['9'], ['10']), ...site(first, ['10']) })
    await expect(resolveThrough(mirror, { provider, version: '11' })).rejects.toMatchObject({
      code: 'NO_MATCH',
    })
    await expect(resolveThrough(mirror, { provider })).resolves.toMatchObject({ version: '9' })
    const asked = mirror.requests.map(({ path }) => path)
    expect(asked.filter((path) => path.startsWith(`/${first}`))).toEqual([])
  })

  test('fail with the error of the site itself when none of them answers', async () => {
    await using mirror = await startMirror({})
    mirror.fail(`/${main}`, { status: 503 }, Number.POSITIVE_INFINITY)
    const resolving = resolveThrough(mirror, { provider })
    await expect(resolving).rejects.toMatchObject({ code: 'NETWORK' })
    await expect(resolving).rejects.toThrow(`https://${main}: HTTP 503`)
    await expect(resolving).rejects.toThrow(`https://${second}: HTTP 404`)
  })

  test('do not make a page of another kind good', async () => {
    await using mirror = await startMirror({
      ...site(first, ['9']),
      [`${main}index.html`]: '<title>Hotel</title><a href="login">login</a>',
    })
    await expect(resolveThrough(mirror, { provider })).rejects.toMatchObject({ code: 'LISTING_UNREADABLE' })
  })

  test('give a checksum file that the site itself does not', async () => {
    await using mirror = await startMirror({
      ...site(main, ['9']),
      [`${first}9/SHA256SUMS`]: `${otherHex}  acme-9-1.x86_64.qcow2`,
    })
    mirror.fail(`/${main}9/SHA256SUMS`, { status: 503 }, Number.POSITIVE_INFINITY)
    await expect(resolveThrough(mirror, { provider })).resolves.toMatchObject({
      digest: { hex: otherHex },
      checksumUrl: `https://${first}9/SHA256SUMS`,
    })
  })
})

test('each listing is asked once for a request, however many versions need it', async () => {
  const all = 'all.example.org/acme/'
  await using mirror = await startMirror({
    [`${all}index.html`]: listing('acme-9-1.x86_64.qcow2', 'acme-10-1.aarch64.qcow2', 'SHA256SUMS'),
    [`${all}SHA256SUMS`]: `${hex}  acme-9-1.x86_64.qcow2`,
  })
  const whole = acmeWith({ versionsUrl: undefined, imagesUrl: `https://${all}` })
  await expect(resolveThrough(mirror, { provider: whole })).resolves.toMatchObject({ version: '9' })
  expect(mirror.requests.map(({ path }) => path)).toEqual([`/${all}`, `/${all}SHA256SUMS`])
})

describe('addressesOf()', () => {
  const place = provider.sources[0] ?? expect.fail('it has no site')

  test('has the same path at each mirror', () => {
    expect(addressesOf(`https://${main}9/a`, place)).toEqual([
      `https://${main}9/a`,
      `https://${first}9/a`,
      `https://${second}9/a`,
    ])
  })

  test('has only the address itself of what lies elsewhere', () => {
    expect(addressesOf('https://www.example.org/9/a', place)).toEqual(['https://www.example.org/9/a'])
  })
})
