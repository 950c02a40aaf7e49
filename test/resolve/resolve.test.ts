import { describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { parseRequest } from '../../src/request/request.js'
import { resolveImage } from '../../src/resolve/resolve.js'
import { startMirror } from '../support/mirror.js'
import { acme, acmeWith, archive, hex, main, site } from './acme-site.js'
import { keysInMemory, resolveThrough } from './resolve-through.js'

/** A line of an index that a mirror with a prefix writes under addresses of its own. */
function mirrored(path: string, text: string): string {
  return `<a href="/prefix/${main}${path}">${text}</a> 2026-10-01 12:00\n`
}

describe('resolveImage()', () => {
  test('knows the digest and all addresses before the image is asked for', async () => {
    await using mirror = await startMirror({ ...site(main, ['9', '10']), ...site(archive, ['8']) })
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
      `/${archive}`,
      `/${main}10/`,
      `/${main}10/SHA256SUMS`,
    ])
  })

  test('finds what a mirror lists under addresses of its own', async () => {
    const image = 'acme-10-1.x86_64.qcow2'
    await using mirror = await startMirror({
      [`prefix/${main}index.html`]: mirrored('10/', '10'),
      [`prefix/${main}10/index.html`]:
        mirrored(`10/${image}`, image) + mirrored('10/SHA256SUMS', 'SHA256SUMS'),
      [`prefix/${main}10/SHA256SUMS`]: `${hex}  ${image}`,
    })
    const found = await resolveThrough({ url: `${mirror.url}/prefix` }, { provider: acmeWith({}) })
    expect(found.url).toBe(`https://${main}10/${image}`)
    expect(found.checksumUrl).toBe(`https://${main}10/SHA256SUMS`)
  })

  test('gives no address at a mirror to an image that lies outside of what it mirrors', async () => {
    const elsewhere = `https://moved.example.org/acme/10/`
    await using mirror = await startMirror({
      ...site(main, ['10']),
      ...site('moved.example.org/acme/', ['10']),
    })
    mirror.fail(
      `/${main}10/`,
      { status: 302, headers: { location: '/moved.example.org/acme/10/' } },
      Number.POSITIVE_INFINITY,
    )
    const provider = acmeWith({ mirrors: ['https://mirror.example.org/of/acme/'] })
    const image = await resolveThrough(mirror, { provider })
    expect(image.urls).toEqual([`${elsewhere}acme-10-1.x86_64.qcow2`])
  })

  test('refuses a variant where there is one kind of image only', async () => {
    await using mirror = await startMirror(site(main, ['10']))
    const resolving = resolveThrough(mirror, { provider: acme, variant: 'minimal' })
    await expect(resolving).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
    await expect(resolving).rejects.toThrow('one kind of image only.\nLeave { variant } out.')
    expect(mirror.requests).toEqual([])
  })

  test('opens no socket when the network is switched off', async () => {
    await using mirror = await startMirror(site(main, ['10']))
    const request = parseRequest({ provider: acme })
    const context = makeContext({ mirror: mirror.url, offline: true }, {})
    const resolving = request.kind === 'named' ? resolveImage(request, context, keysInMemory()) : undefined
    await expect(resolving).rejects.toMatchObject({ code: 'OFFLINE' })
    expect(mirror.requests).toEqual([])
  })
})
