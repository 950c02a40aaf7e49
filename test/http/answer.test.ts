import { expect, test } from 'vitest'
import { findFault, redirectTarget } from '../../src/http/answer.js'
import { HttpFault } from '../../src/http/fault.js'

const here = 'https://site.example/dir/file'

test.each([
  ['other', 'https://site.example/dir/other'],
  ['/root', 'https://site.example/root'],
  ['https://mirror.example/file', 'https://mirror.example/file'],
])('redirectTarget() follows "%s" to %s', (location, expected) => {
  expect(redirectTarget(here, { status: 302, headers: { location } })).toBe(expected)
})

test('redirectTarget() follows a redirect from http to https', () => {
  const head = { status: 301, headers: { location: here } }
  expect(redirectTarget('http://site.example/', head)).toBe(here)
})

test.each([
  ['http://site.example/file', 'INSECURE_REDIRECT'],
  ['HTTP:/site.example/file', 'INSECURE_REDIRECT'],
  ['file:///etc/passwd', 'NETWORK'],
  ['ftp://site.example/', 'NETWORK'],
  ['javascript:alert(1)', 'NETWORK'],
  ['https://', 'NETWORK'],
])('redirectTarget() refuses to go from https to "%s" with %s', (location, code) => {
  const found = redirectTarget(here, { status: 302, headers: { location } })
  expect(found).toBeInstanceOf(HttpFault)
  expect(found).toMatchObject({ code, isPassing: false })
})

test('redirectTarget() refuses a redirect without a Location', () => {
  const found = redirectTarget(here, { status: 302, headers: {} })
  expect(found).toMatchObject({ message: expect.stringContaining('without a usable Location') })
})

test.each([
  [200, false, undefined],
  [206, true, undefined],
  [206, false, 'HTTP 206 Partial Content from'],
  [204, false, 'HTTP 204 No Content from'],
  [404, true, 'HTTP 404 Not Found from'],
])('findFault() for status %i with a range asked for: %s', (status, isRange, expected) => {
  const fault = findFault({ status, headers: {} }, here, isRange)
  expect(fault?.message).toEqual(expected && expect.stringContaining(expected))
})

test.each([
  [404, false],
  [403, false],
  [429, true],
  [503, true],
])('findFault() says whether status %i may pass: %s', (status, expected) => {
  expect(findFault({ status, headers: {} }, here, false)?.isPassing).toBe(expected)
})

test('findFault() tells how long the server wants to be left alone', () => {
  const fault = findFault({ status: 429, headers: { 'retry-after': '7' } }, here, false)
  expect(fault?.retryAfterMs).toBe(7000)
})

test.each(['gzip', 'br', 'deflate, gzip'])('findFault() refuses content-encoding "%s"', (encoding) => {
  const head = { status: 200, headers: { 'content-encoding': encoding } }
  expect(findFault(head, here, false)?.message).toContain(encoding)
})
