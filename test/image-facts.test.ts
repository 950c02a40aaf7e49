import { expect, test } from 'vitest'
import { factsOf, hasFacts, titleOf } from '../src/image-facts.js'

const facts = {
  name: 'Acme',
  version: '44',
  build: '1.7',
  arch: 'x86_64',
  variant: undefined,
  fileName: 'acme.qcow2',
  url: 'https://acme.example.org/acme.qcow2',
  trust: 'signed',
  signedBy: 'AB'.repeat(20),
} as const

test('factsOf() keeps the facts and nothing more', () => {
  const more = { ...facts, path: '/disk' }
  expect(factsOf(more)).toEqual(facts)
})

test('titleOf() is what people call an image, also one without a version', () => {
  expect(titleOf(facts)).toBe('Acme 44')
  expect(titleOf({ name: 'disk.qcow2', version: '' })).toBe('disk.qcow2')
})

test('hasFacts() takes what was written, also where optional facts are left out', () => {
  const { build: _, signedBy: __, ...fewer } = facts
  expect(hasFacts(JSON.parse(JSON.stringify(facts)))).toBe(true)
  expect(hasFacts(fewer)).toBe(true)
})

test.each<[string, unknown]>([
  ['trust', undefined],
  ['trust', 'very much'],
  ['signedBy', 7],
  ['build', null],
  ['name', undefined],
  ['version', 44],
  ['url', undefined],
])('hasFacts() refuses a record whose %s is %s', (field, value) => {
  expect(hasFacts({ ...facts, [field]: value })).toBe(false)
})
