import { describe, expect, test } from 'vitest'
import { readJsonNames } from '../../src/pages/json-names.js'

const url = 'https://images.example.org/systems.json'

describe('readJsonNames()', () => {
  test('takes the names of a record of records for directories', () => {
    const text = '{"4593.2.4":{"channel":"stable"},"4593.2.3":{},"current":{"channel":"stable"}}'
    expect(readJsonNames(text, url)).toEqual([
      { name: '4593.2.4/' },
      { name: '4593.2.3/' },
      { name: 'current/' },
    ])
  })

  test('takes a list of records before a record of records', () => {
    const text = '{"10":{"channel":"stable"},"files":[{"name":"a.img","size":3}]}'
    expect(readJsonNames(text, url)).toEqual([{ name: 'a.img', sizeBytes: 3 }])
  })

  test.each([
    ['an error', '{"error":{"code":404}}'],
    ['several records of an error', '{"error":{"code":404},"request":{}}'],
    ['an empty record', '{}'],
    ['numbers among the values', '{"10":{},"count":2}'],
    ['lists for values', '{"10":["a"],"11":["b"]}'],
    ['nothing for values', '{"10":null}'],
    ['texts for values', '{"10":"a"}'],
    ['a list of records without names', '[{"10":{}}]'],
    ['a number', '10'],
  ])('refuses a document with %s', (_, text) => {
    expect(() => readJsonNames(text, url)).toThrowError(
      expect.objectContaining({ code: 'LISTING_UNREADABLE', message: expect.stringContaining(url) }),
    )
  })

  test('keeps the reason why a document cannot be read', () => {
    expect(() => readJsonNames('{"data":[', url)).toThrowError(
      expect.objectContaining({ code: 'LISTING_UNREADABLE', cause: expect.any(SyntaxError) }),
    )
  })
})
