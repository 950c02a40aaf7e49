import { describe, expect, test } from 'vitest'
import { parseListing } from '../../src/pages/listing.js'

const url = 'https://images.example.org/pub/systems/'

/** One directory with a subdirectory and a file, as different servers show it. */
const dialects = {
  'Apache, <pre> with icons': `<title>Index of /pub/systems</title><h1>Index of /pub/systems</h1>
<pre><img src="/icons/blank.gif" alt="Icon "> <a href="?C=N;O=D">Name</a> <a href="?C=S;O=A">Size</a><hr><img src="/icons/back.gif" alt="[PARENTDIR]"> <a href="/pub/">Parent Directory</a>     -
<img src="/icons/folder.gif" alt="[DIR]"> <a href="10/">10/</a>       2026-04-22 14:01    -
<img src="/icons/unknown.gif" alt="[   ]"> <a href="disk-10.qcow2">disk-10.qcow2</a>    2026-04-22 14:01  557M
<hr></pre>`,
  'Apache, <pre> inside a page of prose': `<h1>Cloud images</h1><p>See <a href="https://www.example.org/">our site</a>
<ul><li><a href="https://images.example.org/pub/locator/">Locator</a><li><a href="guide.html">the guide</a></ul>
<pre>  fetch images.example.org:10
</pre><pre><a href="?C=N;O=D">Name</a><hr><a href="/pub/">Parent Directory</a>
<img src="../../icons/folder.png" alt="[DIR]" width="22"> <a href="10/">10/</a>    2026-07-13 16:27    -
<img src="../../icons/unknown.gif" alt="[   ]"> <a href="disk-10.qcow2">disk-10.qcow2</a>  2025-04-30 13:22  603M  QCow2 Bootable disk image
<hr></pre>`,
  'Apache, <table id="indexlist">': `<table id="indexlist">
<tr><th><a href="?C=N;O=D">Name</a></th></tr>
<tr><td class="indexcolicon"><a href="/pub/"><img src="/i/up.png"></a></td><td class="indexcolname"><a href="/pub/">Parent Directory</a></td></tr>
<tr class="odd"><td class="indexcolicon"><a href="10/"><img src="/i/folder.png" alt="[DIR]"></a></td><td class="indexcolname"><a href="10/">10/</a></td><td class="indexcollastmod">2026-09-14 16:53  </td><td class="indexcolsize">  - </td></tr>
<tr class="even"><td class="indexcolicon"><a href="disk-10.qcow2"><img src="/i/text.png"></a></td><td class="indexcolname"><a href="disk-10.qcow2">disk-10.qcow2</a></td><td>2026-09-14 16:53  </td><td>319M </td></tr>
</table>`,
  'Apache, plain <ul>': `<title>Index of /pub/systems</title><ul><li><a href="/pub/"> Parent Directory</a></li>
<li><a href="10/"> 10/</a></li>
<li><a href="disk-10.qcow2"> disk-10.qcow2</a></li></ul>`,
  'single quotes, absolute paths and addresses': `<pre><a href='..'>Up</a>
<a href='/pub/systems/10/'>10</a>
<a href='https://images.example.org/pub/systems/disk-10.qcow2'>disk-10.qcow2</a>
</pre>`,
  'names cut short': `<pre><a href="10/">10/</a>
<a href="disk-10.qcow2">disk-10..&gt;</a>  01-Oct-2026 12:00   170M
</pre>`,
  'JSON of GitHub, with addresses elsewhere': JSON.stringify([
    { name: '10', type: 'dir', size: 0, download_url: null },
    { name: 'disk-10.qcow2', type: 'file', download_url: 'https://raw.example.com/disk-10.qcow2' },
  ]),
  'names, one a line': '# systems\n10/\r\n./disk-10.qcow2\n\n',
}

describe('parseListing()', () => {
  test.each(Object.entries(dialects))('reads %s', (_, body) => {
    expect(parseListing({ body, url })).toEqual([
      { name: '10', isDirectory: true, url: `${url}10/`, sizeBytes: undefined },
      { name: 'disk-10.qcow2', isDirectory: false, url: `${url}disk-10.qcow2`, sizeBytes: undefined },
    ])
  })

  test('takes sizes that are given to the byte from nginx', () => {
    const body = `<title>Index of /pub/systems/</title><pre><a href="../">../</a>
<a href="v3.10/">v3.10/</a>                          31-May-2019 18:14                   -
<a href="disk.qcow2">disk.qcow2</a>                      01-Oct-2026 12:00           170000000
</pre>`
    expect(parseListing({ body, url }).map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['v3.10', undefined],
      ['disk.qcow2', 170_000_000],
    ])
  })

  test('takes sizes that are given to the byte from MirrorCache, whatever the query that asked for JSON', () => {
    const body =
      '{"data":[{"name":"16.0/","size":4096,"mtime":1},{"name":"a b.qcow2","size":319422464,"mtime":1}]}'
    expect(parseListing({ body, url: `${url}?jsontable` })).toEqual([
      { name: '16.0', isDirectory: true, url: `${url}16.0/`, sizeBytes: undefined },
      { name: 'a b.qcow2', isDirectory: false, url: `${url}a%20b.qcow2`, sizeBytes: 319_422_464 },
    ])
  })

  test("takes sizes that are given to the byte from MirrorCache's bare list", () => {
    const body = '[{"name":"16.0/","size":null,"mtime":1},{"name":"a.qcow2","size":319422464,"mtime":1}]'
    expect(parseListing({ body, url: `${url}?json` })).toEqual([
      { name: '16.0', isDirectory: true, url: `${url}16.0/`, sizeBytes: undefined },
      { name: 'a.qcow2', isDirectory: false, url: `${url}a.qcow2`, sizeBytes: 319_422_464 },
    ])
  })

  test.each(['0 KB', '3 hours ago', '1.5M', '412 B', '1'.repeat(16)])('takes no size from "%s"', (size) => {
    const body = `<pre><a href="disk.qcow2">disk.qcow2</a>  2026-10-01 12:00  ${size}\n</pre>`
    expect(parseListing({ body, url })[0]?.sizeBytes).toBeUndefined()
  })

  test('decodes names', () => {
    const body = '<pre><a href="../">../</a><a href="disk%2B1.qcow2">disk+1.qcow2</a></pre>'
    expect(parseListing({ body, url })[0]).toMatchObject({
      name: 'disk+1.qcow2',
      url: `${url}disk%2B1.qcow2`,
    })
  })

  test('reads JSON after a byte order mark', () => {
    expect(parseListing({ body: '\uFEFF["a.img"]', url })).toHaveLength(1)
  })

  test.each([
    ['another host', 'https://evil.example.com/pub/systems/disk.qcow2'],
    ['another protocol', 'http://images.example.org/pub/systems/disk.qcow2'],
    ['another host without its protocol', '//evil.example.com/pub/systems/disk.qcow2'],
    ['another port', 'https://images.example.org:8443/pub/systems/disk.qcow2'],
    [
      'a host with the name of ours before it',
      'https://images.example.org@evil.example.com/pub/systems/disk.qcow2',
    ],
    ['a script', 'javascript:disk.qcow2'],
    ['a script in disguise', ' java\nscript:disk.qcow2'],
    ['data', 'data:text/plain,disk.qcow2'],
    ['a file of this machine', 'file:///pub/systems/disk.qcow2'],
    ['a way up', '../disk.qcow2'],
    ['a way up in disguise', '%2e%2e/disk.qcow2'],
    ['a way up with slashes in disguise', '%2e%2e%2fdisk.qcow2'],
    ['a way up with backslashes', '..\\disk.qcow2'],
    ['a way up and back', '../../pub/other/disk.qcow2'],
    ['the directory itself', './'],
    ['a second root', '/pub/systems//disk.qcow2'],
    ['a deeper path', '10/disk.qcow2'],
    ['a slash in disguise', '10%2Fdisk.qcow2'],
    ['a backslash', 'a\\disk.qcow2'],
    ['a backslash in disguise', 'a%5Cdisk.qcow2'],
    ['a line break', 'a%0Adisk.qcow2'],
    ['a NUL', 'disk.qcow2%00.txt'],
    ['a control character of Latin-1', 'disk%C2%85.qcow2'],
    ['bytes that are no UTF-8', 'disk%FF.qcow2'],
    ['a stray percent sign', 'disk%.qcow2'],
    ['a query', 'disk.qcow2?raw=1'],
    ['a mark in the page', 'disk.qcow2#top'],
    ['no URL at all', 'https://['],
  ])('leaves out %s', (_, href) => {
    const texts = ['disk.qcow2', decodeName(href)].map((text) => `<a href="${href}">${text}</a>\n`)
    const body = `<title>Index of /</title><pre>${texts.join('')}<a href="10/">10/</a></pre>`
    expect(parseListing({ body, url }).map(({ name }) => name)).toEqual(['10'])
  })

  test.each([
    ['a deeper path', '10/disk.qcow2'],
    ['a path from the root', '/disk.qcow2'],
    ['a way up', '..'],
    ['a way up to a file', '../disk.qcow2'],
    ['the directory itself', '.'],
    ['a backslash', '..\\disk.qcow2'],
    ['a line break', 'disk\n.qcow2'],
    ['a NUL', 'disk.qcow2\0'],
    ['half a character', 'disk\uD800.qcow2'],
    ['nothing', ''],
    ['nothing but slashes', '//'],
    ['more than 255 bytes', `${'ü'.repeat(125)}.qcow2`],
  ])('leaves out a name in JSON that is %s', (_, name) => {
    const body = JSON.stringify([{ name }, { name: `${name}/` }, { name: 'disk.qcow2' }])
    expect(parseListing({ body, url }).map((entry) => entry.name)).toEqual(['disk.qcow2'])
  })

  test.each(['javascript:1', 'https:', 'a?b', 'a#b', '%2e%2e', '%2F', 'a b', 'C:', "a'b"])(
    'gives the name %j in JSON an address of its own in the directory',
    (name) => {
      const [entry] = parseListing({ body: JSON.stringify([name]), url })
      expect(entry?.name).toBe(name)
      expect(entry?.url).toBe(url + encodeURIComponent(name))
    },
  )

  test('takes a name of 255 bytes and none of 256', () => {
    const names = [255, 256, 10_000].map((length) => 'x'.repeat(length))
    const links = names.map((name) => `<a href="${name}">${name}</a>\n`)
    const body = `<title>Index of /</title>${links.join('')}`
    expect(parseListing({ body, url }).map(({ name }) => name.length)).toEqual([255])
  })

  test('does not go where a <base> or a frame of the page leads', () => {
    const evil = 'https://evil.example.com/'
    const body = `<title>Index of /</title><base href="${evil}"><iframe src="${evil}"></iframe><a href="10/">10/</a>`
    expect(parseListing({ body, url }).map((entry) => entry.url)).toEqual([`${url}10/`])
  })

  test.each([
    ['inside other tags', '<div><b><i><a class=x href="10/"><b>1</b><i>0</i>/</a></b></div>'],
    ['with the first of two addresses', '<a href="10/" href="https://evil.example.com/">10/</a>'],
    ['with text that is escaped', '<a href="&#49;0/">1&#48;/</a>'],
    ['without an end', '<a href="10/">10/'],
    ['inside another link', '<a href="https://evil.example.com/">evil<a href="10/">10/</a></a>'],
  ])('reads a link %s', (_, html) => {
    const body = `<title>Index of /</title>${html}`
    expect(parseListing({ body, url }).map(({ name }) => name)).toEqual(['10'])
  })

  test.each([
    ['in a comment', '<!-- <a href="disk.qcow2">disk.qcow2</a> -->'],
    ['in a script', '<script>"<a href=disk.qcow2>disk.qcow2</a>"</script>'],
    ['in a quote without an end', '<a title="<a href=disk.qcow2>disk.qcow2</a>'],
  ])('reads no link %s', (_, html) => {
    const body = `<title>Index of /</title><a href="10/">10/</a>${html}`
    expect(parseListing({ body, url }).map(({ name }) => name)).toEqual(['10'])
  })

  test('reads 200 000 links', { timeout: 20_000 }, () => {
    const links = Array.from({ length: 200_000 }, (_, index) => `<a href="${index}.img">${index}.img</a>\n`)
    expect(parseListing({ body: `<title>Index of /</title>${links.join('')}`, url })).toHaveLength(200_000)
  })

  test('refuses a listing of nothing but what lies elsewhere, and shows it', () => {
    const href = 'https://other.example.com/pub/systems/10/'
    const body = `<title>Index of /</title><pre><a href="../">../</a><a href="${href}">10/</a></pre>`
    expect(() => parseListing({ body, url })).toThrowError(
      expect.objectContaining({ code: 'LISTING_UNREADABLE', message: expect.stringContaining(href) }),
    )
  })

  test.each([
    ['the mirror', 'http://127.0.0.1:1/prefix/images.example.org/pub/systems/10/'],
    ['the mirror, without its host', '/prefix/images.example.org/pub/systems/10/'],
    ['the publisher', 'https://images.example.org/pub/systems/10/'],
    ['the publisher, without its host', '/pub/systems/10/'],
    ['neither', '10/'],
  ])("reads links under the name of %s, and gives the publisher's", (_, href) => {
    const askedUrl = 'http://127.0.0.1:1/prefix/images.example.org/pub/systems/'
    const body = `<title>Index of /</title><a href="${href}">10/</a>`
    expect(parseListing({ body, url, askedUrl }).map((entry) => entry.url)).toEqual([`${url}10/`])
  })

  test("reads a mirror's links also at the root of a publisher", () => {
    const body = '<title>Index of /</title><a href="/prefix/images.example.org/10/">10</a>'
    const askedUrl = 'http://127.0.0.1:1/prefix/images.example.org/'
    expect(parseListing({ body, url: 'https://images.example.org/', askedUrl })).toMatchObject([
      { name: '10', isDirectory: true, url: 'https://images.example.org/10/' },
    ])
  })

  test('gives a file its own size where the date stands before the name', () => {
    const body = `<pre><A HREF="/pub/">[To Parent Directory]</A><br><br>
 10/1/2026  13:00    170000000 <A HREF="/pub/systems/disk.qcow2">disk.qcow2</A><br>
 10/2/2026  14:00    42 <A HREF="/pub/systems/SUMS">SUMS</A><br></pre>`
    expect(parseListing({ body, url })).toMatchObject([
      { name: 'disk.qcow2', sizeBytes: undefined },
      { name: 'SUMS', sizeBytes: undefined },
    ])
  })

  test.each([
    ['<br>', '<a href="a.img">a.img</a><br> 2026-10-01 12:00 42'],
    ['<li>', '<ul><li><a href="a.img">a.img</a><li>2026-10-01 12:00 42</ul>'],
    ['<tr>', '<table><tr><td><a href="a.img">a.img</a><tr><td>2026-10-01 12:00</td><td>42</table>'],
    ['the end of the line', '<pre><a href="a.img">a.img</a>\n2026-10-01 12:00 42</pre>'],
  ])('takes no size from after %s', (_, html) => {
    const body = `<title>Index of /</title>${html}`
    expect(parseListing({ body, url })).toMatchObject([{ name: 'a.img', sizeBytes: undefined }])
  })

  test.each([-1, 1.5, '42', 1e300])('takes no size from JSON that says %j', (size) => {
    expect(
      parseListing({ body: JSON.stringify([{ name: 'a.img', size }]), url })[0]?.sizeBytes,
    ).toBeUndefined()
  })

  test.each([
    ['its whole name', 'disk-10.qcow2', 1],
    ['the beginning of its name', 'disk-1..&gt;', 1],
    ['another name', 'disk-11.qcow2', 0],
    ['the beginning of another name', 'disk-2..&gt;', 0],
    ['no name', '', 0],
  ])('takes a link that shows %s for %3$d entries', (_, text, count) => {
    const body = `<title>Index of /</title><a href="disk-10.qcow2">${text}</a>`
    expect(parseListing({ body, url })).toHaveLength(count)
  })

  test.each([
    ['a title', '<title>Index of /pub/systems</title>'],
    ['an order', '<pre><a href="?C=M;O=A">Last modified</a></pre>'],
    ['an order with its address', '<a href="/pub/systems/?sort=name">Name</a>'],
    ['a way up', '<pre><a href="../">../</a></pre>'],
    ['JSON', '[]'],
    ['JSON with a known field', '{"data":[]}'],
  ])('knows an empty directory by %s', (_, body) => {
    expect(parseListing({ body, url })).toEqual([])
  })

  test.each([
    [
      'the page of a captive portal',
      '<title>Hotel WiFi</title><a href="login.html">Log in</a>',
      'the title "Hotel WiFi"',
    ],
    [
      'a page with a link by its own name',
      '<title>Hotel</title><a href="login">login</a>',
      'the title "Hotel"',
    ],
    ['the order of another page', '<a href="/shop/?sort=price">Price</a>', 'an ordinary web page'],
    [
      'the order of another site',
      '<a href="https://shop.example.com/pub/systems/?sort=a">A</a>',
      'an ordinary',
    ],
    ['a page of prose', '<p>Moved to <a href="../new/disk.html">here</a>', 'an ordinary web page'],
    ['an empty page', ' \n', 'an empty page'],
    ['prose', 'Service temporarily unavailable', 'the line "Service temporarily'],
    ['a word', 'Unauthorized', 'begins with "Unauthorized"'],
    ['a list of errors', '{"errors":["Not found"]}', 'JSON without a list'],
    ['a list of records without names', '[{"message":"Not found"}]', 'JSON without a list'],
    ['a list of nothing in a strange field', '{"errors":[]}', 'JSON without a list'],
    ['a record', '{"message":"Not Found"}', 'JSON without a list'],
    ['half of a record', '{"data":[{"name":', 'JSON that ends early'],
  ])('refuses %s and says what it is', (_, body, found) => {
    expect(() => parseListing({ body, url })).toThrowError(
      expect.objectContaining({ code: 'LISTING_UNREADABLE', message: expect.stringContaining(found) }),
    )
  })

  test('takes a date beside a link for a listing', () => {
    const body = '<a href="10/">10/</a> 2026-Oct-01 12:00:00'
    expect(parseListing({ body, url })).toHaveLength(1)
  })

  test('takes a way up from the root, which leads nowhere, for no listing', () => {
    const body = '<a href="../">Home</a>'
    expect(() => parseListing({ body, url: 'https://images.example.org/' })).toThrowError(
      expect.objectContaining({ code: 'LISTING_UNREADABLE' }),
    )
  })
})

/** What a page shows for a link, so that the text is no reason to leave it out. */
function decodeName(href: string): string {
  return decodeURIComponent(href.replace(/%FF|%(?![0-9a-f]{2})/gi, '')).replace(/^.*[/\\]/s, '')
}
