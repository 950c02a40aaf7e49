import { describe, expect, test } from 'vitest'
import {
  isExactly,
  parseVersionQuery,
  selectVersions,
  type VersionFacts,
} from '../../src/request/version-query.js'

const facts: VersionFacts = {
  codenames: { '22.04': 'jammy', '24.04': 'noble' },
  versionNames: { stable: '24.04', oldstable: '22.04' },
  versionOrder: [],
}
const published = ['9', '15', '15.6', '15.10', '150', '22.04', '24.04', '24.03-LTS', '24.03-LTS-SP1']

function select(version: Parameters<typeof parseVersionQuery>[0], versions: readonly string[] = published) {
  return selectVersions(parseVersionQuery(version, facts), versions, facts)
}

describe('selectVersions()', () => {
  test.each([
    ['15', ['15']],
    [15, ['15']],
    ['24.04', ['24.04']],
    ['noble', ['24.04']],
    ['Noble', ['24.04']],
    ['24.03-LTS', ['24.03-LTS']],
    ['24', ['24.04', '24.03-LTS-SP1', '24.03-LTS']],
    ['1', []],
    ['24.0', []],
    ['24.4', []],
    ['nob', []],
    ['stable', ['24.04']],
    ['OldStable', ['22.04']],
    ['stab', []],
    ['>15 <=22.04', ['22.04', '15.10', '15.6']],
    ['<9', []],
    [/15/, ['15']],
    [/15\..*/g, ['15.10', '15.6']],
    [/9|15\.6/, ['15.6', '9']],
  ])('finds for %s: %j', (version, expected) => {
    expect(select(version)).toEqual(expected)
  })

  test('finds for a beginning the versions that continue it, newest first', () => {
    expect(select('15', ['15.6', '15.10', '150', '1.5'])).toEqual(['15.10', '15.6'])
  })

  test.each([
    ['latest', ['24', '15', '42.3', '42.1']],
    ['42', ['42.3', '42.1']],
    ['>=15', ['24', '15']],
    ['<15', ['42.3', '42.1']],
    ['>42.1 <=15', ['15', '42.3']],
  ])('goes for %s by the order of the publisher, not of the numbers', (version, expected) => {
    const order = { ...facts, versionOrder: ['42.*'] }
    expect(selectVersions(parseVersionQuery(version), ['42.1', '15', '42.3', '24'], order)).toEqual(expected)
  })

  test.each([[undefined], ['latest'], ['Latest']])('finds for %s all, newest first', (version) => {
    expect(select(version, ['9', '41', '10'])).toEqual(['41', '10', '9'])
  })
})

test.each([
  ['>=noble', ['24.04']],
  ['>=Jammy <noble', ['22.04', '24.03-LTS', '24.03-LTS-SP1']],
  ['>15.6 <jammy', ['15.10']],
  ['>=oldstable <Stable', ['22.04', '24.03-LTS', '24.03-LTS-SP1']],
])('parseVersionQuery() reads the codenames of a publisher in %s', (version, expected) => {
  const query = parseVersionQuery(version, facts)
  const found = selectVersions(
    query,
    ['15.6', '15.10', '22.04', '24.03-LTS', '24.03-LTS-SP1', '24.04'],
    facts,
  )
  expect(found.toSorted()).toEqual(expected)
})

test('parseVersionQuery() refuses a bound that is no codename, and shows those that are', () => {
  expect(() => parseVersionQuery('>=22.04 <nobel', facts)).toThrowError(
    'Cannot read version "nobel": expected a number or a codename of the publisher (jammy, noble) in a range.',
  )
})

test.each([
  ['24.04', '24.04', true],
  ['noble', '24.04', true],
  ['24', '24.04', false],
  ['latest', '24.04', false],
  ['>=24.04', '24.04', false],
  [/24\.04/, '24.04', false],
])('isExactly() of %s and %s is %s', (version, candidate, expected) => {
  expect(isExactly(parseVersionQuery(version), candidate, facts)).toBe(expected)
})

test.each([15.1, -1, Number.NaN, '', ' ', '4 1', '>=', '~15', '15 || 16', '../15', '>=noble', '<latest'])(
  'parseVersionQuery() refuses %s',
  (version) => {
    expect(() => parseVersionQuery(version)).toThrowError(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    )
  },
)
