/** The bar, as the user meets it: what is below it is not downloaded, and the words in the error let it pass. */
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { ensureBaseImage } from '../../src/image/ensure-base-image.js'
import { defineProvider, type Provider, type ProviderDefinition } from '../../src/providers/index.js'
import { parseRequest } from '../../src/request/request.js'
import { errorOf } from '../support/error-of.js'
import { makeKey, signDetached, type TestKey } from '../support/keys.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { acmeSigning, keyPath, serve } from '../support/signed.js'
import { ensureFrom, isImageAsked, nextWeekMs } from './ensure-from.js'

const image = smallQcow2('acme 1')
const digestOf = (algorithm: string, bytes = image) => createHash(algorithm).update(bytes).digest('hex')
const checksum = `sha256:${digestOf('sha256')}`
const listing = (...names: readonly string[]) =>
  `<title>Index of /1/</title>${names.map((name) => `<a href="${name}">${name}</a>`).join('\n')}`

let key: TestKey
beforeAll(async () => {
  key = await makeKey()
})

/** A publisher whose word alone is not enough: another one than the mirror when it has no https. */
interface Weak extends AsyncDisposable {
  readonly publisher: Publisher
  readonly server: Publisher
  readonly provider: Provider
}

async function startWeak(
  files: Readonly<Record<string, string>>,
  facts: Partial<ProviderDefinition> = {},
): Promise<Weak> {
  const publisher = await startPublisher({ '1': image })
  serve(publisher, files)
  const provider = defineProvider({ ...acme, ...facts })
  return {
    publisher,
    server: publisher,
    provider,
    [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
  }
}

async function startPlain(facts: Provider = acme): Promise<Weak> {
  const publisher = await startPublisher({})
  const server = await startPublisher({ '1': image })
  const { sources: _, ...rest } = facts
  const versionsUrl = `${server.mirror.url}/acme.example.org/`
  const provider = defineProvider({ ...rest, versionsUrl, imagesUrl: `${versionsUrl}{version}/` })
  const end = async () => {
    await publisher[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  }
  return { publisher, server, provider, [Symbol.asyncDispose]: end }
}

const images = '/acme.example.org/1/'
const md5Only = {
  [images]: listing('acme-1.x86_64.qcow2', 'MD5SUMS'),
  MD5SUMS: `${digestOf('md5')}  acme-1.x86_64.qcow2\n`,
}
const weak: readonly [string, () => Promise<Weak>][] = [
  ['with md5 only', () => startWeak(md5Only)],
  [
    'without any checksum',
    () => startWeak({ [images]: listing('acme-1.x86_64.qcow2') }, { trust: 'unverified' }),
  ],
  ['without https', startPlain],
]

describe.each(weak)('a publisher %s', (_, start) => {
  test('is refused before the download, and the error says which words let it pass', async () => {
    await using started = await start()
    const { publisher, server, provider } = started
    expect(await errorOf(ensureFrom(publisher, { provider }))).toMatchObject({
      code: 'UNTRUSTED',
      message: expect.stringMatching(
        /{ checksum: 'sha256:<hex>' }.*{ minimumTrust: 'unverified' }.*VMIMAGE_MINIMUM_TRUST=unverified/,
      ),
    })
    expect(isImageAsked(server)).toBe(false)
  })

  test.each([
    ['a checksum', { checksum }, {}, 'pinned'],
    ['minimumTrust in the request', { minimumTrust: 'unverified' }, {}, 'unverified'],
    ['VMIMAGE_MINIMUM_TRUST', {}, { VMIMAGE_MINIMUM_TRUST: 'unverified' }, 'unverified'],
  ] as const)('passes by the word %s', async (_word, words, env, trust) => {
    await using started = await start()
    const { publisher, provider } = started
    const context = makeContext(publisher.options, env)
    const base = await ensureBaseImage(parseRequest({ provider, ...words }), undefined, context)
    expect(base).toMatchObject({ trust, signedBy: undefined })
    await context.http.close()
  })

  test('is refused also when its image is cached, because somebody said the word before', async () => {
    await using started = await start()
    const { publisher, server, provider } = started
    await ensureFrom(publisher, { provider, minimumTrust: 'unverified' })
    const imageRequests = () => server.mirror.requests.filter(({ path }) => path.endsWith('.qcow2'))
    const asked = imageRequests().length
    for (const offline of [false, true]) {
      const refused = ensureFrom(publisher, { provider }, { offline })
      await expect(refused).rejects.toMatchObject({ code: 'UNTRUSTED' })
    }
    expect(imageRequests()).toHaveLength(asked)
  })
})

test('a publisher without https is trusted for what it signs', async () => {
  await using plain = await startPlain(acmeSigning('checksums', key))
  const signature = await signDetached(`${digestOf('sha256')}  acme-1.x86_64.qcow2\n`, key)
  serve(plain.publisher, { [keyPath]: key.armored })
  serve(plain.server, { 'SHA256SUMS.asc': signature })
  const base = await ensureFrom(plain.publisher, { provider: plain.provider })
  expect(base).toMatchObject({ trust: 'signed', signedBy: key.fingerprint })
})

test.each(['', 'SHA256SUMS'])(
  '"%s" of a publisher without https is no better for leading to https',
  async (file) => {
    await using plain = await startPlain()
    const { publisher, server, provider } = plain
    const forger = `${new URL(server.mirror.url).host}/acme.example.org/1/`
    const location = `${publisher.mirror.url}/${forger}${file}`
    server.mirror.fail(`${images}${file}`, { status: 302, headers: { location } })
    serve(publisher, {
      [`/${forger}`]: listing('acme-1.x86_64.qcow2', 'SHA256SUMS'),
      [`/${forger}SHA256SUMS`]: `${digestOf('sha256')}  acme-1.x86_64.qcow2\n`,
    })
    await expect(ensureFrom(publisher, { provider })).rejects.toMatchObject({ code: 'UNTRUSTED' })
    expect(publisher.mirror.requests.map(({ path }) => path)).toContain(`/${forger}${file}`)
  },
)

test('md5 is not made any better by a signature', async () => {
  await using publisher = await startPublisher({ '1': image })
  serve(publisher, {
    [keyPath]: key.armored,
    ...md5Only,
    'MD5SUMS.asc': await signDetached(md5Only.MD5SUMS, key),
  })
  const refused = ensureFrom(publisher, { provider: acmeSigning('checksums', key) })
  await expect(refused).rejects.toMatchObject({ code: 'UNTRUSTED' })
})

test.each([
  ['signed', acme],
  ['pinned', acme],
] as const)(
  'minimumTrust %s refuses a publisher that signs nothing, before the download',
  async (minimum, provider) => {
    await using publisher = await startPublisher({ '1': image })
    for (const asked of [
      ensureFrom(publisher, { provider, minimumTrust: minimum }),
      ensureFrom(publisher, { provider }, { minimumTrust: minimum }),
    ]) {
      await expect(asked).rejects.toMatchObject({
        code: 'UNTRUSTED',
        message: expect.stringContaining(`"${minimum}" or`),
      })
    }
    expect(isImageAsked(publisher)).toBe(false)
  },
)

test('the word of a request stands above the word for all images', async () => {
  await using publisher = await startPublisher({ '1': image })
  const lenient = { provider: acme, minimumTrust: 'checksum' } as const
  expect((await ensureFrom(publisher, lenient, { minimumTrust: 'pinned' })).trust).toBe('checksum')
  const strict = { provider: acme, minimumTrust: 'pinned' } as const
  const refused = ensureFrom(publisher, strict, { minimumTrust: 'unverified' })
  await expect(refused).rejects.toMatchObject({ code: 'UNTRUSTED' })
})

test('a digest of the caller needs no signature and no key', async () => {
  await using publisher = await startPublisher({ '1': image })
  const provider = acmeSigning('checksums', key)
  const base = await ensureFrom(publisher, { provider, checksum, minimumTrust: 'pinned' })
  expect(base).toMatchObject({ trust: 'pinned', signedBy: undefined })
  expect(publisher.mirror.requests.some(({ path }) => path === keyPath || path.endsWith('.asc'))).toBe(false)
})

test('a digest of the caller that can be forged does not stand in for the signature', async () => {
  await using publisher = await startPublisher({ '1': image })
  serve(publisher, { [keyPath]: key.armored })
  const request = { provider: acmeSigning('checksums', key), checksum: `md5:${digestOf('md5')}` }
  await expect(ensureFrom(publisher, request)).rejects.toMatchObject({ code: 'SIGNATURE_MISSING' })
})

test('the key is asked for once, and a cached image needs neither it nor anybody else', async () => {
  await using publisher = await startPublisher({ '1': image })
  const provider = acmeSigning('checksums', key)
  const signature = await signDetached(`${digestOf('sha256')}  acme-1.x86_64.qcow2\n`, key)
  serve(publisher, { [keyPath]: key.armored, 'SHA256SUMS.asc': signature })
  await ensureFrom(publisher, { provider })
  publisher.mirror.fail(keyPath, { status: 404 }, Infinity)
  expect(await ensureFrom(publisher, { provider }, { laterMs: nextWeekMs })).toMatchObject({
    trust: 'signed',
    resolved: { stale: undefined },
  })
  expect(publisher.mirror.requests.filter(({ path }) => path === keyPath)).toHaveLength(1)
  const asked = publisher.mirror.requests.length
  const cached = await ensureFrom(publisher, { provider }, { offline: true })
  expect(cached).toMatchObject({ trust: 'signed', signedBy: key.fingerprint })
  expect(publisher.mirror.requests).toHaveLength(asked)
})

test('an old image below the bar is taken once its publisher says more of it', async () => {
  await using started = await startWeak(md5Only)
  const { publisher, provider } = started
  await ensureFrom(publisher, { provider, minimumTrust: 'unverified' })
  serve(publisher, { [images]: listing('acme-1.x86_64.qcow2', 'SHA256SUMS') })
  expect(await ensureFrom(publisher, { provider }, { laterMs: nextWeekMs })).toMatchObject({
    trust: 'checksum',
  })
})

test('an old image below the bar is no stand-in for a publisher that does not answer', async () => {
  await using started = await startWeak(md5Only)
  const { publisher, provider } = started
  const lenient = { provider, minimumTrust: 'unverified' } as const
  await ensureFrom(publisher, lenient)
  publisher.mirror.fail('/acme.example.org/', { status: 404 }, Infinity)
  const refused = ensureFrom(publisher, { provider }, { laterMs: nextWeekMs })
  await expect(refused).rejects.toMatchObject({ code: 'UNTRUSTED' })
  expect(await ensureFrom(publisher, lenient, { laterMs: nextWeekMs })).toMatchObject({ trust: 'unverified' })
})
