import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VmImageError } from '../../src/errors.js'
import { type Entry, parseListing } from '../../src/pages/listing.js'
import { anyText, halves, mutated } from '../support/texts.js'

const directory = 'https://images.example.org/pub/systems/'
const places = [
  { url: directory },
  { url: `${directory}SHA256SUMS` },
  { url: `${directory}?jsontable` },
  { url: directory, askedUrl: 'http://127.0.0.1:1/prefix/images.example.org/pub/systems/' },
]
const hex = '55c60a3b80d3616a08705afd0459e75fe9f03c54aba7a46e4002a41a72fa0d5b'

const pages = [
  `<title>Index of /pub/systems</title><pre><a href="?C=N;O=D">Name</a> <a href="/pub/">Parent Directory</a>
<img src="/icons/folder.gif" alt="[DIR]"> <a href="10/">10/</a>      2026-04-22 14:01    -
<a href='/pub/systems/disk%2B1.qcow2'>disk&#43;1.qcow2</a>    2026-04-22 14:01  55700000
<a href="${directory}disk-10.qcow2">disk-1..&gt;</a>  01-Oct-2026 12:00   170M\n</pre>`,
  `<table id="indexlist"><tr><th><a href="?C=N;O=D">Name</a></th></tr><tr><td><a href="10/"><img src="i.png"></a></td>
<td><a href="10/">10/</a></td><td>2026-09-14 16:53  </td><td>  - </td></tr>
<tr><td><a href="a.img">a.img</a></td><td>2026-09-14 16:53  </td><td>42</td></tr></table>`,
  '{"data":[{"name":"16.0/","size":4096,"mtime":1},{"name":"a b.qcow2","size":319422464,"type":"file"}]}',
  '["10/","a.img","b.img"]',
  '{"4593.2.4":{"channel":"stable"},"current":{}}',
  '# systems\n10/\r\n./disk-10.qcow2\n\n',
  `# a.qcow2: 42 bytes\nSHA256 (a.qcow2) = ${hex}\n${hex} *./b.qcow2\n`,
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# ts=1\ndi.qcow2 1501626368\n-----BEGIN PGP SIGNATURE-----\n`,
]

const pieces = [
  ...String.raw`< > " ' & &#0; &#x2f; &sol; &bsol; </a> <title> <!-- <script> ? # : // @`.split(' '),
  ...String.raw`/ \ .. ../ %2e%2e/ %2F %5C %00 % %ff [ ] { } , \u0000 \ud800 \/ \n`.split(' '),
  ' ',
  '\n',
  '\t',
  '\0',
  '\uD800',
  '\u0085',
  '\u2028',
  '\uFEFF',
  'javascript:',
  'data:',
  'https://evil.example.com/',
  '<a href=',
  '<a href="../x">x</a>',
  '<a href="//e/x">x</a>\n',
]

/** The entries, or none where the page is refused; anything else that is thrown fails the test. */
function entriesOf(page: { readonly body: string; readonly url: string }): readonly Entry[] {
  try {
    return parseListing(page)
  } catch (error) {
    if (error instanceof VmImageError && error.code === 'LISTING_UNREADABLE') return []
    throw error
  }
}

/** Whether an entry is a file or directory right in the directory, under its own name. Written without the parser's rules. */
function isInside({ name, url, isDirectory, sizeBytes = 0 }: Entry): boolean {
  const address = new URL(url)
  const characters = Array.from(name, (character) => character.charCodeAt(0))
  const isName = !['', '.', '..'].includes(name) && !characters.some(isForbidden)
  const isThere = address.href === url && new URL(isDirectory ? '..' : '.', address).href === directory
  const isCalledSo = decodeURIComponent(address.pathname).endsWith(`/${name}${isDirectory ? '/' : ''}`)
  const isFile =
    `${address.search}${address.hash}` === '' && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0
  return isName && isThere && isCalledSo && isFile
}

/** Slashes and control characters. */
function isForbidden(code: number): boolean {
  return code === 0x2f || code === 0x5c || code < 0x20 || (code >= 0x7f && code < 0xa0)
}

function mebibyte(text: string): string {
  return text.repeat(Math.ceil(2 ** 20 / text.length))
}

describe('parseListing()', () => {
  test('reads each of the pages that the properties start from', () => {
    expect(pages.map((body) => entriesOf({ body, url: directory }).length)).toEqual([3, 2, 2, 3, 2, 2, 2, 1])
  })

  test.each([
    ['any text', anyText([...pages, ...pieces]), 300],
    ['a listing that was changed', mutated(pages, pieces), 1000],
  ])('gives entries that lie in the directory, or refuses: %s', { timeout: 20_000 }, (_, texts, numRuns) => {
    const property = fc.property(texts, fc.constantFrom(...places), (body, place) => {
      expect(entriesOf({ body, ...place }).filter((entry) => !isInside(entry))).toEqual([])
    })
    fc.assert(property, { numRuns })
  })

  test('makes an entry of any name in JSON that a file can have', () => {
    const names = fc.oneof(fc.string({ unit: 'grapheme', size: 'medium' }), halves())
    const property = fc.property(names, (name) => {
      const entries = entriesOf({ body: JSON.stringify([`${name}.img`]), url: directory })
      expect(entries.every(isInside)).toBe(true)
      const isPossible = !/[/\\\p{Cc}\p{Cs}]/u.test(name) && Buffer.byteLength(`${name}.img`) <= 255
      expect(entries.map((entry) => entry.name)).toEqual(isPossible ? [`${name}.img`] : [])
    })
    fc.assert(property, { numRuns: 300 })
  })

  // A parser whose time grows with the square of the length needs minutes for these.
  test.each([
    ...'< ( <( & &amp " <!-- <! <? <title> <script> <br>'.split(' '),
    ...'<b> <p> <td> </b> <b></i> <svg> <form> 1-01-'.split(' '),
    '00:00 0',
    '<a href=',
    '<a href="',
    '<a href="x">',
    '<a href="x">x</a>',
    '<a href="x"',
    '<a href=x href=y ',
  ])('comes to an end with a mebibyte of %j in HTML', { timeout: 10_000 }, (text) => {
    const body = `<title>Index of /</title>${mebibyte(text)}`
    expect(entriesOf({ body, url: directory })).toBeInstanceOf(Array)
  })

  test.each(['[', '{"a":', '"', '../', ' ', '\n', '#', 'a.b ', 'a.b\n', 'a.b 1\n', '# x: 1 bytes\n'])(
    'comes to an end with a mebibyte of %j',
    { timeout: 10_000 },
    (text) => {
      expect(entriesOf({ body: mebibyte(text), url: directory })).toBeInstanceOf(Array)
    },
  )

  test.each([
    ['tags that are opened, and others that are closed', '<b>'.repeat(2 ** 18) + '</i>'.repeat(2 ** 18)],
    [
      'links that are never closed, and tags that are',
      '<a href="x">'.repeat(2 ** 16) + '</i>'.repeat(2 ** 16),
    ],
    ['blanks after a time', `<a href="x">x</a> 00:00${mebibyte(' ')}x`],
    ['digits after a time', `<a href="x">x</a> 00:00 ${mebibyte('0')}`],
    ['dots in the text of a link', `<a href="x">${mebibyte('.')}</a>`],
    ['one long name', `<a href="${mebibyte('x')}">${mebibyte('x')}</a>`],
    ['one long character reference', `<a href="&#${mebibyte('1')};">x</a>`],
    ['one long attribute', `<a ${mebibyte('x')}="x">x</a>`],
  ])('comes to an end with a mebibyte of %s', { timeout: 10_000 }, (_, html) => {
    expect(entriesOf({ body: `<title>Index of /</title>${html}`, url: directory })).toBeInstanceOf(Array)
  })
})
