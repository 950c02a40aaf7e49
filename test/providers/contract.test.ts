/** Every provider against the listings of its publisher: fixtures/listings/<provider>/expected.json says what must come out. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeTestKey, signListings, withTestKey } from '../../fixtures/signing.js'
import { formatDigest } from '../../src/digest.js'
import { defineProvider, imageProviders } from '../../src/providers/index.js'
import type { ImageInput } from '../../src/request/request.js'
import { resolveThrough } from '../resolve/resolve-through.js'
import { startMirror } from '../support/mirror.js'

interface Case {
  readonly title: string
  readonly request: ImageInput
  /** The code of the error. */
  readonly error: string | undefined
  /** Fields of the image. */
  readonly expected: Readonly<Record<string, unknown>>
}

const listings = fileURLToPath(new URL('../../fixtures/listings/', import.meta.url))
const systems = readdirSync(listings).toSorted()
const key = await makeTestKey()

// A provider of a user, by nothing but the three facts.
imageProviders.add(
  defineProvider({
    name: 'acme',
    versionsUrl: 'https://images.example.org/acme/',
    imagesUrl: 'https://images.example.org/acme/{version}/',
    imagePattern: 'acme-{version}-{build}.{arch}.qcow2.xz',
  }),
)

for (const provider of imageProviders.list()) imageProviders.add(withTestKey(provider, key))

const trees = mkdtempSync(join(tmpdir(), 'vmimage-contract-'))
beforeAll(async () => {
  await cp(listings, trees, { recursive: true })
  for (const system of systems) await signListings(join(trees, system), key)
})
afterAll(() => rm(trees, { recursive: true, force: true }))

test('every provider has listings, and all listings have a provider', () => {
  expect(imageProviders.list().map(({ name }) => name)).toEqual(systems)
})

describe.each(systems)('%s', (system) => {
  const cases = readExpected(system)
  const images = cases.filter(({ error }) => error === undefined)
  const errors = cases.filter(({ error }) => error !== undefined)

  test.each(images)('resolves $title', async ({ request, expected }) => {
    const { digest, ...image } = await resolve(system, request)
    expect({ ...image, digest: digest && formatDigest(digest) }).toMatchObject(expected)
  })

  test.each(errors)('refuses $title with $error', async ({ request, error }) => {
    await expect(resolve(system, request)).rejects.toMatchObject({ code: error })
  })
})

test('debian passes over a codename that has only daily builds without a word', async () => {
  const warnings: string[] = []
  await using mirror = await startMirror(join(trees, 'debian'))
  await expect(resolveThrough(mirror, 'debian', warnings)).resolves.toMatchObject({ version: '13' })
  expect(warnings).toEqual([])
})

test('fedora: a release whose key may be missing has its signature all the same', async () => {
  const name = 'Fedora-Cloud-41-1.4-x86_64-CHECKSUM'
  const path = `archives.fedoraproject.org/pub/archive/fedora/linux/releases/41/Cloud/x86_64/images/${name}`
  const signed = readFileSync(join(trees, 'fedora', path), 'utf8')
  const [, text = ''] = /\n\n([^]*)\n-----BEGIN PGP SIGNATURE-----/.exec(signed) ?? []
  expect(text).toContain('SHA256 (Fedora-Cloud-Base-Generic-41-1.4.x86_64.qcow2) = ')
  await using mirror = await startMirror(join(trees, 'fedora'))
  mirror.fail(`/${path}`, { swap: text }, Number.POSITIVE_INFINITY)
  await expect(resolveThrough(mirror, 'fedora:41')).rejects.toMatchObject({ code: 'SIGNATURE_MISSING' })
})

async function resolve(system: string, input: ImageInput) {
  await using mirror = await startMirror(join(trees, system))
  return await resolveThrough(mirror, input)
}

function readExpected(system: string): readonly Case[] {
  const cases: readonly Pick<Case, 'request' | 'error'>[] = JSON.parse(
    readFileSync(`${listings}${system}/expected.json`, 'utf8'),
  )
  return cases.map(({ request, error, ...expected }) => ({
    title: JSON.stringify(request),
    request,
    error,
    expected,
  }))
}
