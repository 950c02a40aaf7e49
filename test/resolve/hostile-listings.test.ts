/** What a listing can hold to lead somebody elsewhere, or to keep him busy for ever. */
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { defineProvider } from '../../src/providers/index.js'
import { ensureFrom, isImageAsked } from '../image/ensure-from.js'
import { errorOf } from '../support/error-of.js'
import { startPublisher } from '../support/publisher.js'

const image = smallQcow2('acme 1')
/** Its pattern lets any beginning of a name pass, also one with slashes. */
const trusting = defineProvider({
  name: 'acme',
  versionsUrl: 'https://acme.example.org/',
  imagesUrl: 'https://acme.example.org/{version}/',
  imagePattern: /.*acme-(?<version>[\d.]+)\.(?<arch>x86_64)\.qcow2.*/,
})
const directory = '/acme.example.org/1/'
/** In the directory of version 1, and newer than what is really there. */
const bait = 'acme-1.9.x86_64.qcow2'
const honest = '<a href="acme-1.x86_64.qcow2">acme-1.x86_64.qcow2</a>\n<a href="SHA256SUMS">SHA256SUMS</a>'

function page(...lines: readonly string[]): string {
  return `<title>Index of /1/</title><pre><a href="../">../</a>\n${lines.join('\n')}\n</pre>`
}

const links = [
  ['a script', `javascript:alert(1)//${bait}`],
  ['data', `data:text/plain,${bait}`],
  ['another host', `https://mallory.example.org/1/${bait}`],
  ['another host without a protocol', `//mallory.example.org/1/${bait}`],
  ['a file of this machine', `file:///1/${bait}`],
  ['the root of the server', `/${bait}`],
  ['the directory above', `../${bait}`],
  ['the directory beside it', `../2/${bait}`],
  ['a directory below', `below/${bait}`],
  ['a name with an encoded slash', `below%2f${bait}`],
  ['a name with an encoded way up', `..%2F${bait}`],
  ['a name with a backslash', `..%5c${bait}`],
  ['a name with a zero in it', `${bait}%00`],
  ['a question', `${bait}?from=mallory`],
] as const

describe('a link of a listing', () => {
  test.each(links)('to %s is not followed', async (_, href) => {
    await using publisher = await startPublisher({ '1': image })
    publisher.mirror.fail(directory, { swap: page(`<a href="${href}">${bait}</a>`, honest) })
    const base = await ensureFrom(publisher, { provider: trusting })
    expect(base).toMatchObject({ version: '1', url: 'https://acme.example.org/1/acme-1.x86_64.qcow2' })
    const asked = new Set(publisher.mirror.requests.map(({ path }) => path))
    expect(asked).toEqual(
      new Set(['/acme.example.org/', directory, `${directory}SHA256SUMS`, publisher.path('1')]),
    )
  })

  test('to a file beside it is followed: the bait is one', async () => {
    await using publisher = await startPublisher({ '1': image })
    publisher.mirror.fail(directory, { swap: page(`<a href="${bait}">${bait}</a>`, honest) })
    const error = await errorOf(ensureFrom(publisher, { provider: trusting }))
    expect(error).toMatchObject({ code: 'CHECKSUM_MISSING', message: expect.stringContaining(bait) })
  })
})

test.each([
  [
    'JSON',
    (name: string) => JSON.stringify([{ name }, { name: 'acme-1.x86_64.qcow2' }, { name: 'SHA256SUMS' }]),
  ],
  ['text', (name: string) => `${name}\nacme-1.x86_64.qcow2\nSHA256SUMS\n`],
])('a name with a slash in %s is no file', async (_, list) => {
  for (const name of [`below/${bait}`, `../${bait}`, `/${bait}`, `https://mallory.example.org/${bait}`]) {
    await using publisher = await startPublisher({ '1': image })
    publisher.mirror.fail(directory, { swap: list(name) })
    expect(await ensureFrom(publisher, { provider: trusting })).toMatchObject({ version: '1' })
  }
})

describe.each([
  ['the list of versions', '/acme.example.org/'],
  ['the list of images', directory],
  ['the checksum file', `${directory}SHA256SUMS`],
])('%s', (_, path) => {
  test('of 40 MB is not read', async () => {
    await using publisher = await startPublisher({ '1': image })
    publisher.mirror.fail(path, { swap: Buffer.alloc(40 * 2 ** 20, page(honest)) })
    const error = await errorOf(ensureFrom(publisher, { provider: trusting }))
    expect(error).toMatchObject({ code: 'ANSWER_TOO_LARGE', message: expect.stringContaining(path.slice(1)) })
    expect(isImageAsked(publisher)).toBe(false)
  })

  test('without an end is not read for ever', async () => {
    await using publisher = await startPublisher({ '1': image })
    publisher.mirror.fail(path, { swap: page(honest).repeat(5000), endless: true })
    const error = await errorOf(ensureFrom(publisher, { provider: trusting }))
    expect(error).toMatchObject({ code: 'ANSWER_TOO_LARGE', message: expect.stringContaining(path.slice(1)) })
    expect(isImageAsked(publisher)).toBe(false)
  })
})
