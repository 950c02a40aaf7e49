import { describe, expect, test } from 'vitest'
import { defineProvider, type Provider, type ProviderDefinition } from '../../src/providers/index.js'
import { findCandidates, newest, type Wanted } from '../../src/resolve/candidates.js'
import { parseVersionQuery } from '../../src/request/version-query.js'
import type { Entry } from '../../src/pages/listing.js'

const url = 'https://images.example.org/acme/1.2/'
const wanted: Omit<Wanted, 'patterns'> = {
  query: parseVersionQuery(),
  version: '1.2',
  codename: undefined,
  arch: 'x86_64',
  variant: undefined,
  build: undefined,
  directoryBuild: undefined,
  directoryVariant: undefined,
}

function acme(facts: Partial<ProviderDefinition> = {}) {
  return defineProvider({
    name: 'acme',
    versionsUrl: 'https://images.example.org/acme/',
    imagesUrl: 'https://images.example.org/acme/{version}/',
    imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
    ...facts,
  })
}

function find(listed: readonly Entry[], provider: Provider, more: Partial<Wanted> = {}) {
  return findCandidates(listed, provider, { ...wanted, patterns: provider.imagePattern, ...more })
}

function entries(...names: readonly string[]): readonly Entry[] {
  return names.map((name) => ({ name, isDirectory: false, url: url + name, sizeBytes: undefined }))
}

function namesOf(found: ReturnType<typeof findCandidates>) {
  return found.map(({ entry }) => entry.name)
}

describe('findCandidates()', () => {
  test('finds whole names only, of this version and architecture by any of its names', () => {
    const listed = entries(
      'acme-1.2-1.x86_64.qcow2',
      'acme-1.2-2.amd64.qcow2',
      'acme-1.2-3.aarch64.qcow2',
      'acme-1.20-1.x86_64.qcow2',
      'acme-1.2-4.x86_64.qcow2.asc',
      'old-acme-1.2-5.x86_64.qcow2',
      'acme-1.2-ext4-6.x86_64.qcow2',
    )
    expect(namesOf(find(listed, acme()))).toEqual(['acme-1.2-1.x86_64.qcow2', 'acme-1.2-2.amd64.qcow2'])
  })

  test('leaves out directories', () => {
    const [entry] = entries('acme-1.2-1.x86_64.qcow2')
    expect(find(entry ? [{ ...entry, isDirectory: true }] : [], acme())).toEqual([])
  })

  test("takes only the publisher's own word for an architecture where it is known", () => {
    const listed = entries('acme-1.2-1.x86_64.qcow2', 'acme-1.2-1.amd64.qcow2')
    const provider = acme({ archNames: { x86_64: 'amd64' } })
    expect(namesOf(find(listed, provider))).toEqual(['acme-1.2-1.amd64.qcow2'])
  })

  test('reads a RegExp with named groups, whole names only', () => {
    const provider = acme({
      imagePattern: /acme_(?<version>\d+\.\d+)_r(?<build>\d+)\.qcow2/g,
      archNames: { x86_64: 'x86_64' },
    })
    const listed = entries(
      'acme_1.2_r7.qcow2',
      'acme_1.3_r7.qcow2',
      'acme_1.2_r7.qcow2.xz',
      'acme_1.2_r10.qcow2',
    )
    expect(find(listed, provider).map(({ build }) => build)).toEqual(['7', '10'])
  })

  test('lets a file go on where the directory ends: 9.8 in the directory 9', () => {
    const listed = entries('acme-9.8-1.x86_64.qcow2', 'acme-90-1.x86_64.qcow2')
    const found = find(listed, acme(), { version: '9' })
    expect(found.map(({ version }) => version)).toEqual(['9.8'])
  })

  test.each<[string | RegExp, readonly string[]]>([
    ['9', ['9.7', '9.8']],
    ['9.7', ['9.7']],
    ['>=9 <9.8', ['9.7']],
    ['>9 <10', ['9.7', '9.8']],
    [/9/, []],
    [/9\.7|9/, ['9.7']],
    ['nine', ['9.7', '9.8']],
  ])('holds the files of the directory 9 against the version %s', (version, expected) => {
    const listed = entries('acme-9.7-1.x86_64.qcow2', 'acme-9.8-1.x86_64.qcow2')
    const provider = acme({ codenames: { '9': 'nine' } })
    const found = find(listed, provider, {
      version: '9',
      query: parseVersionQuery(version),
    })
    expect(found.map((one) => one.version)).toEqual(expected)
  })

  test("leaves out another codename and another build than the directory's", () => {
    const provider = acme({ imagePattern: 'acme-{codename}-{version}-{build}.{arch}.qcow2' })
    const listed = entries(
      'acme-one-1.2-7.x86_64.qcow2',
      'acme-two-1.2-7.x86_64.qcow2',
      'acme-one-1.2-8.x86_64.qcow2',
    )
    const found = find(listed, provider, { codename: 'one', directoryBuild: '7' })
    expect(namesOf(found)).toEqual(['acme-one-1.2-7.x86_64.qcow2'])
  })

  test.each([
    ['1.10', ['1.10']],
    [/1\.\d/, ['1.9']],
    [/1|1\.10/, ['1.10']],
    ['1.1', []],
  ])('keeps to the build %s', (build, expected) => {
    const listed = entries('acme-1.2-1.9.x86_64.qcow2', 'acme-1.2-1.10.x86_64.qcow2')
    expect(find(listed, acme(), { build }).map((one) => one.build)).toEqual(expected)
  })

  test('wants the same word twice where a pattern has it twice', () => {
    const provider = acme({ imagePattern: 'acme-{arch}-{version}-{build}.{arch}.qcow2' })
    const listed = entries('acme-x86_64-1.2-1.x86_64.qcow2', 'acme-x86_64-1.2-1.aarch64.qcow2')
    expect(find(listed, provider)).toHaveLength(1)
  })

  test('reads two generations of names in one directory, each by the pattern for its version', () => {
    const provider = acme({
      imagePattern: [
        { versions: '<1.2.3', pattern: 'old_acme-{version}.{arch}.qcow2' },
        { versions: '>=1.2.3', pattern: 'acme-{version}.{arch}.qcow2' },
      ],
    })
    const listed = entries(
      'old_acme-1.2.2.x86_64.qcow2',
      'acme-1.2.2.x86_64.qcow2',
      'old_acme-1.2.3.x86_64.qcow2',
      'acme-1.2.3.x86_64.qcow2',
    )
    expect(namesOf(find(listed, provider))).toEqual([
      'old_acme-1.2.2.x86_64.qcow2',
      'acme-1.2.3.x86_64.qcow2',
    ])
  })

  test('takes of each version the kind of image that is its default, which a name may leave out', () => {
    const provider = acme({
      imagePattern: [
        { versions: '<1.2.2', pattern: 'acme-{version}.{arch}.qcow2' },
        { pattern: 'acme-{version}-{variant}.{arch}.qcow2' },
      ],
      variants: [{ name: 'cloud', versions: '>=1.2.3' }, { name: 'plain' }],
    })
    const [oldest, older, newer] = ['acme-1.2.1', 'acme-1.2.2-plain', 'acme-1.2.3-cloud']
    const others = ['acme-1.2.2-cloud', 'acme-1.2.3-plain', 'acme-1.2.3']
    const listed = entries(...[oldest, older, newer, ...others].map((name) => `${name}.x86_64.qcow2`))
    const chosen = find(listed, provider)
    expect(namesOf(chosen)).toEqual([oldest, older, newer].map((name) => `${name}.x86_64.qcow2`))
    expect(chosen.map(({ variant }) => variant)).toEqual(['plain', 'plain', 'cloud'])
    const plain = find(listed, provider, { variant: 'plain' })
    expect(plain.map(({ version }) => version)).toEqual(['1.2.1', '1.2.2', '1.2.3'])
  })

  test('takes the kind of image from its directory where the name has none', () => {
    const provider = acme({ variants: [{ name: 'stable' }, { name: 'beta' }] })
    const listed = entries('acme-1.2-1.x86_64.qcow2')
    const [found] = find(listed, provider, { variant: 'beta', directoryVariant: 'beta' })
    expect(found?.variant).toBe('beta')
    expect(find(listed, provider, { variant: 'stable', directoryVariant: 'beta' })).toEqual([])
    expect(find(listed, provider, { variant: 'beta' })).toEqual([])
  })

  test('has no candidates for a version without a pattern', () => {
    const provider = acme({ imagePattern: [{ versions: '>=2', pattern: 'acme-{version}.{arch}.qcow2' }] })
    expect(find(entries('acme-1.2.x86_64.qcow2'), provider)).toEqual([])
  })
})

describe('newest()', () => {
  const place = { url, patterns: acme().imagePattern, versionOrder: ['42.*'] }

  test('goes by number, not by the order of the listing', () => {
    const listed = entries(
      'acme-1.2-1.10.x86_64.qcow2',
      'acme-1.2-1.9.x86_64.qcow2',
      'acme-1.2-1.14.x86_64.qcow2',
    )
    expect(newest(find(listed, acme()), place)?.build).toBe('1.14')
  })

  test('goes by version before build', () => {
    const listed = entries('acme-9.10-1.x86_64.qcow2', 'acme-9.9-5.x86_64.qcow2')
    const found = newest(find(listed, acme(), { version: '9' }), place)
    expect(found?.version).toBe('9.10')
  })

  test('goes by the order of the publisher where the numbers say something else', () => {
    const listed = entries('acme-42.3-1.x86_64.qcow2', 'acme-15.0-1.x86_64.qcow2')
    const provider = acme({ versionOrder: ['42.*'] })
    const found = ['42.3', '15.0'].flatMap((version) => find(listed, provider, { version }))
    expect(newest(found, place)?.version).toBe('15.0')
    expect(newest(found, { ...place, versionOrder: [] })?.version).toBe('42.3')
  })

  test('has nothing of nothing', () => {
    expect(newest([], place)).toBeUndefined()
  })

  test('refuses to choose between two files of one build, and shows the URL, the pattern and both', () => {
    const provider = acme({ imagePattern: 'acme-{version}-{variant}.{arch}.qcow2' })
    const found = find(entries('acme-1.2-base.x86_64.qcow2', 'acme-1.2-lvm.x86_64.qcow2'), provider)
    const choose = () => newest(found, { ...place, patterns: provider.imagePattern })
    expect(choose).toThrowError(expect.objectContaining({ code: 'AMBIGUOUS_MATCH' }))
    expect(choose).toThrowError(
      /"https:.*\/acme\/1\.2\/".*\{variant\}.*acme-1\.2-base.*acme-1\.2-lvm[^]*Ask for one/,
    )
  })

  test.each([
    [{}, ['acme-1.2-1.x86_64.qcow2', 'acme-1.2-1.amd64.qcow2'], 'archNames of the provider: x86_64, amd64.'],
    [
      { imagePattern: /acme-(?<version>[\d.]+)(?:-hw)?\.qcow2/, archNames: { x86_64: 'x86_64' } },
      ['acme-1.2.qcow2', 'acme-1.2-hw.qcow2'],
      'Make the imagePattern of the provider say',
    ],
  ] as const)('names what sets %j of %j apart', (facts, names, cure) => {
    const found = find(entries(...names), acme(facts))
    expect(() => newest(found, place)).toThrowError(
      expect.objectContaining({ code: 'AMBIGUOUS_MATCH', message: expect.stringContaining(cure) }),
    )
    expect(() => newest(found, place)).not.toThrow('{ variant }')
  })

  test('names no more than eight files', () => {
    const provider = acme({ imagePattern: 'acme-{version}-{variant}.{arch}.qcow2' })
    const names = Array.from('abcdefghij', (letter) => `acme-1.2-${letter}.x86_64.qcow2`)
    const found = find(entries(...names), provider)
    expect(() => newest(found, place)).toThrow('acme-1.2-h.x86_64.qcow2, and 2 more)')
  })
})
