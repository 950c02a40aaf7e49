import { describe, expect, test } from 'vitest'
import { compareVersions, isInRange, parseVersionRange, versionOrder } from '../src/version.js'

/**
 * Each line from old to new, the way publishers number their releases and builds. Where the calendar says something else
 * than the numbers, the provider says so: `providers/order.test.ts` has those orders.
 */
const histories = {
  'Ubuntu releases': ['9.10', '10.04', '22.04', '24.04', '24.10', '26.04', '26.10'],
  'Ubuntu serials': ['20170619', '20170619.1', '20260705', '20260712.1', '20260725'],
  'Debian releases': ['9', '10', '11', '12', '13', '14'],
  'Fedora releases': ['7', '9', '10', '41', '44', '100'],
  'Fedora pre-releases': ['40', '41_Beta', '41', '42_Beta'],
  'Fedora builds': ['1.1', '1.9', '1.10', '1.14', '2.1'],
  'Leap releases': ['15.0', '15.6', '15.9', '15.10', '16.0'],
  'openSUSE builds': ['Build15.1.4', 'Build18.7', 'Build18.72'],
  'openSUSE snapshots': ['Snapshot20260831', 'Snapshot20260911'],
  'FreeBSD releases': ['9.3', '10.0', '14.3', '14.10', '15.0'],
  'FreeBSD stages': [
    '14.3',
    '15.0-ALPHA2',
    '15.0-BETA1',
    '15.0-BETA10',
    '15.0-RC1',
    '15.0',
    '15.0-RELEASE',
    '15.1',
  ],
  'FreeBSD patches': ['15.0-RC2', '15.0-p1', '15.0-p10'],
  'CirrOS releases': ['0.6.2', '0.6.3', '0.9.0', '0.10', '0.10.0'],
  'Alpine branches': ['v3.9', 'v3.10', 'v3.22'],
  'Alpine candidates': ['3.21.9', '3.22.0_rc1', '3.22.0_rc2', '3.22.0', '3.22.1'],
  'Alpine rebuilds': ['r0', 'r2', 'r10'],
  'Debian builds': ['20260712-2537', '20260712-2538', '20260914-2601', '20261001-2618'],
  'CentOS Stream builds': ['20260427.0', '20260630.2', '20260630.10'],
  'CentOS 7 builds': ['1503', '2009', '2009_01', '2211'],
  'Arch builds': ['20260901.99999', '20261001.100000', '20261001.100001'],
  'Amazon releases': ['2.0.20260109.1', '2023.9.20250929.0', '2023.12.20260930.0'],
  'Rocky and Alma releases': ['8.9', '8.10', '9.8', '10.2'],
  'Alma builds': ['20260526', '20260526.0', '20260817.0'],
  'Gentoo builds': ['20260927T164559Z', '20261004T164559Z'],
  'Flatcar releases': ['4593.2.4', '4593.10.0'],
  'openEuler releases': ['22.03-LTS-SP4', '24.03-LTS', '24.03-LTS-SP1', '24.09'],
  'Kali releases': ['2026.1', '2026.1a', '2026.2'],
  'words and numbers': ['rawhide', '41'],
  'numbers beyond 2^53': ['9007199254740992', '9007199254740993', '10000000000000000000000'],
} as const

const pairs = Object.entries(histories).flatMap(([name, history]) =>
  history.flatMap((older, index) => history.slice(index + 1).map((newer) => ({ name, older, newer }))),
)

describe('compareVersions()', () => {
  test.each(pairs)('$name: $older is older than $newer, from both sides', ({ older, newer }) => {
    expect(compareVersions(older, newer)).toBeLessThan(0)
    expect(compareVersions(newer, older)).toBeGreaterThan(0)
  })

  test.each(['41', '24.04', 'r2', '20260712-2537', ''])('finds %j equal to itself', (version) => {
    expect(compareVersions(version, version)).toBe(0)
  })

  test.each([
    ['10.4', '10.04'],
    ['1.2', '1-2'],
    ['RC1', 'rc1'],
  ])('keeps %j and %j apart, so that no sort depends on the order it began with', (a, b) => {
    expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)))
    expect(compareVersions(a, b)).not.toBe(0)
  })
})

describe('versionOrder()', () => {
  test.each([
    ['what is listed before the others', ['42.*'], ['42.1', '42.3', '9.0', '15.0', '43']],
    ['what is listed after the others', ['*', 'sid'], ['9', '13', '14', 'sid']],
    ['the others in between', ['42.*', '*', 'sid'], ['42.3', '15.0', '43', 'sid']],
    [
      'prefixes by their numbers',
      ['20.*', '24.03', '24.09', '24.03-SP4'],
      ['20.03', '20.09', '24.03', '24.09'],
    ],
    ['a beginning before all that go on from it', ['42.*'], ['42', '42.1', '15.0']],
    [
      'a beginning of several before the first',
      ['22.*', '24.03', '24.03-SP1', '24.09'],
      ['22.03', '24', '24.03'],
    ],
    ['nothing else than numbers', [], ['sid', '15.0', '42.3']],
  ])('with a list puts %s', (_, listed, versions) => {
    const compare = versionOrder(listed)
    expect(versions.toReversed().toSorted(compare)).toEqual(versions)
    expect(versions.toSorted((a, b) => compare(b, a))).toEqual(versions.toReversed())
  })

  test.each([
    ['4', '42.*'],
    ['24', '240.*'],
    ['24.0', '24.03'],
    ['240', '24.*'],
  ])('counts %s among the others beside %s', (version, listed) => {
    const compare = versionOrder([listed, '*'])
    expect(compare('1', version)).toBeLessThan(0)
    expect(compare(version, '999')).toBeLessThan(0)
  })
})

describe('parseVersionRange()', () => {
  test('reads one bound or several', () => {
    expect(parseVersionRange(' >=40  < 43 ')).toEqual([
      { operator: '>=', version: '40' },
      { operator: '<', version: '43' },
    ])
  })

  test.each(['', '41', '>=', '>=40 43', '>=40,<43', '=>40', '>=40 <'])('has no answer for %j', (text) => {
    expect(parseVersionRange(text)).toBeUndefined()
  })
})

test.each([
  ['>=40 <43', ['39', '40', '42', '43', '100'], ['40', '42']],
  ['>15.9', ['15.6', '15.9', '15.10', '16.0'], ['15.10', '16.0']],
  ['<=15', ['9', '15', '15.6'], ['9', '15']],
  ['>=41', ['40', '41_Beta', '41'], ['41']],
])('isInRange() with %j finds of %j only %j', (text, versions, expected) => {
  const range = parseVersionRange(text) ?? []
  expect(versions.filter((version) => isInRange(version, range))).toEqual(expected)
})
