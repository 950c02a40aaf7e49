import { expect, test } from 'vitest'
import { placementOf, resumeHeaders, validatorOf } from '../../src/fetch/range.js'

const state = { url: 'https://a.example/file', validator: '"1"', totalBytes: 10 }

test.each([
  ['nothing is there', 0, undefined, 'https://a.example/file', {}],
  ['nobody knows what is there', 5, undefined, 'https://a.example/file', undefined],
  ['the same host', 5, state, 'https://a.example/other', { range: 'bytes=5-', 'if-range': '"1"' }],
  ['the same host without a validator', 5, { ...state, validator: undefined }, state.url, undefined],
  ['another host', 5, state, 'https://b.example/file', { range: 'bytes=5-' }],
  ['another port', 5, state, 'https://a.example:444/file', { range: 'bytes=5-' }],
])('resumeHeaders() when %s', (_, have, known, url, expected) => {
  expect(resumeHeaders(have, known, url, true)).toEqual(expected)
})

test('resumeHeaders() never mixes hosts when no digest will judge', () => {
  expect(resumeHeaders(5, state, 'https://b.example/file', false)).toBeUndefined()
  expect(resumeHeaders(5, state, state.url, false)).toEqual({ range: 'bytes=5-', 'if-range': '"1"' })
})

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toUTCString()

test.each([
  ['a strong ETag', { etag: '"1"' }, '"1"'],
  ['a weak ETag', { etag: 'W/"1"' }, undefined],
  ['a weak ETag and an old date', { etag: 'W/"1"', date: at(9), 'last-modified': at(0) }, undefined],
  ['an old date', { date: at(9), 'last-modified': at(0) }, at(0)],
  ['a date a second old', { date: at(1), 'last-modified': at(0) }, at(0)],
  ['a date of this second', { date: at(0), 'last-modified': at(0) }, undefined],
  ['a date of the future', { date: at(0), 'last-modified': at(5) }, undefined],
  ['no Date', { 'last-modified': at(0) }, undefined],
  ['a date that is none', { date: at(9), 'last-modified': 'yesterday' }, undefined],
  ['nothing', {}, undefined],
])('validatorOf() with %s', (_, headers, expected) => {
  expect(validatorOf(headers)).toBe(expected)
})

test.each([
  ['bytes 5-9/10', { start: 5, totalBytes: 10 }],
  ['bytes 5-7/10', { start: 5, totalBytes: 10 }],
  ['bytes 5-9/*', { start: 5, totalBytes: undefined }],
  ['bytes 5-9/9', undefined],
  ['bytes 9-5/10', undefined],
  ['bytes */10', undefined],
  ['items 5-9/10', undefined],
  ['', undefined],
])('placementOf() a 206 with Content-Range "%s"', (value, expected) => {
  const headers = { 'content-range': value, 'content-length': '5' }
  expect(placementOf({ status: 206, headers })).toEqual(expected && { ...expected, isFramed: true })
})

test.each([
  [{ 'content-length': '10' }, { totalBytes: 10, isFramed: true }],
  [{ 'transfer-encoding': 'chunked' }, { totalBytes: undefined, isFramed: true }],
  [{}, { totalBytes: undefined, isFramed: false }],
  [
    { 'content-length': '10', 'content-range': 'bytes 5-9/10' },
    { totalBytes: 10, isFramed: true },
  ],
])('placementOf() a 200 with %o', (headers, expected) => {
  expect(placementOf({ status: 200, headers })).toEqual({ start: 0, ...expected })
})
