import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { compareWithSeen } from '../../src/image/rollback.js'
import { sourceOf } from '../../src/image/source.js'
import { defineProvider, type Provider } from '../../src/providers/index.js'
import { parseRequest } from '../../src/request/request.js'
import type { SeenBuild } from '../../src/store/resolutions.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { ensureFrom, nextWeekMs, warningsOf } from './ensure-from.js'

const now = Date.parse('2026-11-22T12:00:00Z')
const dated: Provider = defineProvider({
  name: 'acme',
  versionsUrl: 'https://acme.example.org/',
  imagesUrl: 'https://acme.example.org/{version}/',
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
})
/** The numbers of openSUSE Leap, which began anew. */
const leap: Provider = defineProvider({ ...dated, name: 'leap', versionOrder: ['42.*', '15.*'] })

/** Version and build. */
type Offer = readonly [string, string | undefined]

/** What a publisher offers. */
function sourceAt(version: string, build: string | undefined, signedAt?: string) {
  return sourceOf({
    name: 'Acme',
    provider: 'acme',
    version,
    build,
    arch: 'x86_64',
    variant: undefined,
    file: 'acme.qcow2',
    url: 'https://acme.example.org/acme.qcow2',
    urls: [],
    digest: undefined,
    sizeBytes: undefined,
    compression: 'none',
    format: 'qcow2',
    trust: 'checksum',
    signedBy: undefined,
    signedAt,
    proof: undefined,
    checksumUrl: undefined,
  })
}

/** What is remembered after `offered`, when `seen` was remembered before, and the warnings. */
function compare(provider: Provider, offered: Offer, seen: Offer | undefined) {
  const request = parseRequest({ provider })
  if (request.kind !== 'named') throw new TypeError('Only names move on.')
  const [version, build] = offered
  const source = sourceAt(version, build)
  const warnings: string[] = []
  const before: SeenBuild | undefined = seen && {
    version: seen[0],
    build: seen[1],
    at: '2026-11-01T08:00:00.000Z',
  }
  const remembered = compareWithSeen(
    request,
    source,
    { seen: before },
    {
      now: () => now,
      report: (event) => event.type === 'warning' && warnings.push(event.message),
    },
  )
  return { remembered: [remembered.version, remembered.build], warnings }
}

describe('compareWithSeen()', () => {
  test.each<[string, Provider, Offer, Offer | undefined]>([
    ['the first build', dated, ['1', '1'], undefined],
    ['the same build', dated, ['1', '9'], ['1', '9']],
    ['a newer build', dated, ['1', '10'], ['1', '9']],
    ['a newer version with an older build', dated, ['2', '1'], ['1', '9']],
    ['a version with a later number', dated, ['15.10', '1'], ['15.9', '1']],
    ['a version whose number is smaller and that came later', leap, ['15.6', '1'], ['42.3', '1']],
    ['a version that the order does not know', leap, ['16.0', '1'], ['15.6', '1']],
  ])('remembers %s and is silent', (_, provider, offered, seen) => {
    expect(compare(provider, offered, seen)).toEqual({ remembered: offered, warnings: [] })
  })

  test.each<[string, Provider, Offer, Offer]>([
    ['an older build', dated, ['1', '9'], ['1', '10']],
    ['an older version', dated, ['1', '10'], ['2', '1']],
    ['no build where there was one', dated, ['1', undefined], ['1', '1']],
    ['a version whose number is greater and that came earlier', leap, ['42.3', '1'], ['15.6', '1']],
  ])('warns of %s and goes on to remember the newer one', (_, provider, offered, seen) => {
    const { remembered, warnings } = compare(provider, offered, seen)
    expect(remembered).toEqual(seen)
    expect(warnings).toHaveLength(1)
  })

  test('says what is offered, what was offered when, and what that may mean', () => {
    expect(compare(dated, ['1', '9'], ['1', '10']).warnings).toEqual([
      'https://acme.example.org/acme.qcow2 is older (1 build 9) than what was offered on 2026-11-01 (1 build 10). ' +
        'The publisher has withdrawn Acme 1, or a mirror is behind or was tampered with.',
    ])
  })
})

const only = (...versions: readonly string[]) =>
  `<title>Index of /</title>${versions.map((version) => `<a href="${version}/">${version}/</a>`).join('\n')}`
const list = ({ mirror }: Publisher, ...versions: readonly string[]) =>
  mirror.fail('/acme.example.org/', { swap: only(...versions) })
const rollbacks = (publisher: Publisher) => warningsOf(publisher).filter((text) => text.includes('is older'))

test('an older signature on what seems to be a newer build of the same version is reported', () => {
  const request = parseRequest({ provider: dated })
  if (request.kind !== 'named') throw new TypeError('Only names move on.')
  const offer = (build: string, signedAt: string, seen?: SeenBuild, version = '1') => {
    const warnings: string[] = []
    const context = {
      now: () => now,
      report: (event: { readonly type: string; readonly message?: string }) =>
        event.type === 'warning' && warnings.push(event.message ?? ''),
    }
    const source = sourceAt(version, build, signedAt)
    return { seen: compareWithSeen(request, source, seen && { seen }, context), warnings }
  }
  const { seen, warnings } = offer('20260601', '2026-06-01T00:00:00.000Z')
  expect(warnings).toEqual([])
  const back = offer('20261001', '2024-06-01T00:00:00.000Z', seen)
  expect(back.warnings).toEqual([expect.stringMatching(/signed on 2024-06-01.*signed on 2026-06-01/)])
  expect(back.seen).toEqual(seen)
  expect(offer('20261001', '2026-10-01T00:00:00.000Z', seen).warnings).toEqual([])
  expect(offer('20240601', '2024-06-01T00:00:00.000Z', seen, '2').warnings).toEqual([])
})

describe('a publisher that goes back', () => {
  test('is reported each time it is asked, and no more once it is back', async () => {
    const [older, newer] = [smallQcow2('acme 1'), smallQcow2('acme 2')]
    await using publisher = await startPublisher({ '1': older, '2': newer })
    const ensure = (weeks: number) =>
      ensureFrom(publisher, { provider: acme }, { laterMs: weeks * nextWeekMs })
    expect((await ensure(0)).version).toBe('2')
    list(publisher, '1')
    const back = await ensure(1)
    expect(readFileSync(back.path).equals(older)).toBe(true)
    expect(rollbacks(publisher)).toEqual([expect.stringContaining('is older (1) than what was offered on')])
    await ensure(1)
    expect(rollbacks(publisher)).toHaveLength(1)
    await ensure(2)
    expect(rollbacks(publisher)).toHaveLength(2)
    list(publisher, '1', '2')
    expect((await ensure(3)).version).toBe('2')
    await ensure(4)
    expect(rollbacks(publisher)).toHaveLength(2)
  })

  test('is not reported to whoever asks for the older version', async () => {
    await using publisher = await startPublisher({ '1': smallQcow2('acme 1'), '2': smallQcow2('acme 2') })
    await ensureFrom(publisher, { provider: acme })
    await ensureFrom(publisher, { provider: acme, version: '1' })
    expect(warningsOf(publisher)).toEqual([])
  })
})
