/** What the source of a test tells of the images that it asks for. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { requestKey, parseRequest } from '../../src/request/request.js'
import { parseSpec } from '../../src/request/spec.js'
import { scanSource } from '../../src/scan/scan-source.js'
import { anyText, mutated } from '../support/texts.js'

const header = `import { useVmImage } from 'vmimage/vitest'\n`

/** 60 constants, each made of the one before it. */
function doubled(of: string): string {
  return Array.from({ length: 60 }, (_, i) => `const v${i + 1} = ${of.replaceAll('v', `v${i}`)}\n`).join('')
}

/** The images that are found, and the calls that are not read. */
function scan(code: string, fileName = 'a.test.ts') {
  const { found, unread, problem } = scanSource(code, fileName)
  return { found: found.map(({ input }) => input), unread: unread.map(({ text }) => text), problem }
}

const finds = (...found: readonly unknown[]) => ({ found, unread: [], problem: undefined })
const leaves = (...unread: readonly string[]) => ({ found: [], unread, problem: undefined })

describe('which calls are ours', () => {
  test.each([
    ['an import', `import { useVmImage } from 'vmimage/vitest'; useVmImage('fedora')`],
    ['an import of any entry', `import { openVmImage } from 'vmimage'; openVmImage('fedora')`],
    ['a renamed import', `import { useVmImage as use } from 'vmimage/jest'; use('fedora')`],
    ['a namespace', `import * as vm from 'vmimage/vitest'; vm.useVmImage('fedora')`],
    ['a default import of CommonJS', `import vm from 'vmimage/jest'; vm.useVmImage('fedora')`],
    ['require()', `const { useVmImage } = require('vmimage/jest'); useVmImage('fedora')`],
    ['require() with another name', `const { useVmImage: use } = require('vmimage/jest'); use('fedora')`],
    ['require() as a whole', `const vm = require('vmimage/jest'); vm.useVmImage('fedora')`],
    ['require() in place', `require('vmimage').openVmImage('fedora')`],
    ['import = require()', `import vm = require('vmimage/jest'); vm.useVmImage('fedora')`],
    ['import()', `const { openVmImage } = await import('vmimage'); await openVmImage('fedora')`],
    ['a helper that hands it on', `import { useVmImage } from './helpers'; useVmImage('fedora')`],
    ['a helper as a namespace', `import * as helpers from '../helpers.js'; helpers.useVmImage('fedora')`],
    ['another name of it', `${header}const use = useVmImage; use('fedora')`],
    ['compiled code', `const vm = require('vmimage'); (0, vm.openVmImage)('fedora')`],
    ['an optional call', `${header}useVmImage?.('fedora')`],
    [
      'the fixture',
      `import { test } from 'vmimage/vitest'; test('', async ({ vmImage }) => vmImage('fedora'))`,
    ],
    [
      'the fixture, renamed, beside others',
      `import { test } from 'vmimage/vitest'; test('', async ({ task, vmImage: open }) => { await open('fedora') })`,
    ],
    [
      'the fixture of a test of the project',
      `import { test } from './vm-test'; test('', async ({ vmImage }) => vmImage('fedora'))`,
    ],
    [
      'a fixture made of it',
      `import { test as base } from 'vmimage/vitest'
       const test = base.extend({ disk: async ({ vmImage }, use) => { await use(await vmImage('fedora')) } })`,
    ],
    [
      'a use before its import',
      `test('', () => use('fedora')); import { useVmImage as use } from 'vmimage/vitest'`,
    ],
    ['a call in a class', `${header}class Suite { disk = useVmImage('fedora') }`],
    ['a call in a default value', `${header}function boot(image = useVmImage('fedora')) {}`],
    ['a call in the arguments of another', `${header}boot(await useVmImage('fedora'))`],
  ])('%s', (_, code) => {
    expect(scan(code)).toEqual(finds('fedora'))
  })

  test.each([
    ['a global', `useVmImage('fedora')`],
    ['a function of the file', `import 'vmimage'; function useVmImage(name) {} useVmImage('fedora')`],
    ['an import of another package', `import { useVmImage } from 'vmimage-extra'; useVmImage('fedora')`],
    ['a type', `import type { useVmImage } from 'vmimage/vitest'; type Use = typeof useVmImage`],
    ['another export', `import { defineProvider } from 'vmimage'; defineProvider('fedora')`],
    ['a name that is hidden', `${header}test('', (useVmImage) => { useVmImage('fedora') })`],
    ['a name that is hidden by a constant', `${header}{ const useVmImage = mine; useVmImage('fedora') }`],
    ['a parameter, where nothing of ours is', `test('', async ({ vmImage }) => vmImage('fedora'))`],
    ['a parameter of no pattern', `${header}test('', (vmImage) => vmImage('fedora'))`],
    ['a comment', `${header}// useVmImage('fedora')`],
    ['a text', `${header}const text = "useVmImage('fedora')"`],
    ['a require() of the file', `const require = mine; require('vmimage').useVmImage('fedora')`],
  ])('not %s', (_, code) => {
    expect(scan(code)).toEqual(finds())
  })

  test.each([
    ['a.test.ts', `enum Kind { A }; let x = <any>y; useVmImage('fedora' satisfies string)`],
    ['a.test.tsx', `const page: unknown = <Page disk={useVmImage('fedora')} />`],
    ['a.test.js', `const page = <Page disk={useVmImage('fedora')} />`],
    ['a.test.jsx', `const page = <>{useVmImage('fedora')}</>`],
    ['a.test.mts', `await using disk = await useVmImage('fedora' as const)`],
    ['a.test.mjs', `await using disk = await useVmImage('fedora')`],
    ['a.test.cts', `export = useVmImage('fedora')`],
    ['a.test.ts', `@suite() class A { @test() async b(@inject() c: string) { await useVmImage('fedora') } }`],
    ['a.test.ts', `@suite export class A { accessor b = useVmImage('fedora') }`],
    ['a.test.js', `@suite class A { @test b() { useVmImage('fedora') } }`],
    ['a.test.js', `function boot(image: string): void { useVmImage('fedora') }`],
    ['a.test.ts', `const a = 1; const a = 2; useVmImage('fedora')`],
    ['a.test.ts', `import data from './a.json' with { type: 'json' }; useVmImage('fedora')`],
  ])('in %s: %s', (fileName, code) => {
    expect(scan(header + code, fileName)).toEqual(finds('fedora'))
  })

  test('in a script of CommonJS that is not strict', () => {
    const code = `const { useVmImage } = require('vmimage/jest')\nwith (disks) { useVmImage('fedora') }\nvar mode = 0644`
    expect(scan(code, 'a.test.cjs')).toEqual(finds('fedora'))
  })

  test('openVmImage() opens fedora', () => {
    expect(scan(`import { openVmImage } from 'vmimage'; openVmImage()`)).toEqual(finds('fedora'))
    expect(requestKey(parseRequest('fedora'), 'x86_64')).toBe(requestKey(parseRequest({}), 'x86_64'))
    expect(scan(`${header}useVmImage()`)).toEqual(leaves('useVmImage()'))
  })
})

describe('what an image may be', () => {
  test.each([
    [`'fedora:41'`, 'fedora:41'],
    ['`debian`', 'debian'],
    [`('fedora' as const)`, 'fedora'],
    [`'fedora' satisfies string`, 'fedora'],
    [`'fedora'!`, 'fedora'],
    [`'https://example.org/disk.qcow2'`, 'https://example.org/disk.qcow2'],
    [`'./images/ours.qcow2'`, './images/ours.qcow2'],
    [`{ name: 'fedora', version: '41', size: '20G' }`, { name: 'fedora', version: '41', size: '20G' }],
    [`{ name: 'fedora', version: 41 } as const`, { name: 'fedora', version: 41 }],
    [`{ 'name': 'fedora', ['arch']: 'aarch64' }`, { name: 'fedora', arch: 'aarch64' }],
    [`{ name: 'fedora', version: /4[12]/, build: /^1/ }`, { name: 'fedora', version: /4[12]/, build: /^1/ }],
    [`{ name: 'fedora', version: undefined }`, { name: 'fedora' }],
    [
      `{ url: 'https://a.org/b.qcow2', checksum: 'sha256:00' }`,
      { url: 'https://a.org/b.qcow2', checksum: 'sha256:00' },
    ],
    [`{ path: './ours.raw', format: 'raw' }`, { path: './ours.raw', format: 'raw' }],
    [`{ name: 'fedora', size: sizeOf(test) }`, { name: 'fedora' }],
    [`name`, 'fedora'],
    ['`${name}:${version}`', 'fedora:41'],
    ['name + ":" + 41', 'fedora:41'],
    ['{ name, version }', { name: 'fedora', version: '41' }],
    ['{ ...spec, version }', { name: 'debian', variant: 'generic', version: '41' }],
    ['spec', { name: 'debian', variant: 'generic' }],
    ['images.old', 'debian:12'],
    [`images['old']`, 'debian:12'],
    ['images?.old', 'debian:12'],
    ['list[1]', 'alpine'],
    ['later', 'rocky'],
    ['Object.freeze(spec)', { name: 'debian', variant: 'generic' }],
    ['second', 'alpine'],
    ['oldest', 'debian:12'],
  ])('useVmImage(%s)', (argument, input) => {
    const constants = `
      const name = 'fedora', version = '41' as const
      const spec = { name: 'debian', variant: 'generic' } satisfies ImageSpec
      const images = { old: 'debian:12' } as const
      const list = ['cirros', 'alpine']
      const [, second] = list
      const { old: oldest = 'debian:11' } = images
      test('', async () => { await useVmImage(${argument}, { keep: 'always' }) })
      const later = 'rocky'`
    expect(scan(header + constants)).toEqual(finds(input))
  })

  test.each([
    [`isNew ? 'fedora:44' : 'fedora:43'`, ['fedora:44', 'fedora:43']],
    [`'fedora' ?? 'debian'`, ['fedora', 'debian']],
    [
      '{ name: isNew ? `fedora` : `debian`, arch: "aarch64" }',
      [
        { name: 'fedora', arch: 'aarch64' },
        { name: 'debian', arch: 'aarch64' },
      ],
    ],
    ['`fedora:${isNew ? 44 : 43}`', ['fedora:44', 'fedora:43']],
    [`isNew ? isOld ? 'a' : 'b' : 'c'`, ['a', 'b', 'c']],
  ])('each branch of %s', (argument, found) => {
    expect(scan(`${header}useVmImage(${argument})`)).toEqual(finds(...found))
  })

  test.each([
    'pick()',
    'process.env.IMAGE',
    'imported',
    'changing',
    'parameter',
    '...list',
    '`${pick()}:41`',
    '`${a ? "fedora" : "debian"}:${a ? 44 : 13}`', // which go together?
    '{ name: pick() }',
    '{ ...pick(), name: "fedora" }',
    '{ [pick()]: "fedora" }',
    '{ name: "fedora", get version() {} }',
    '{ provider: acme }',
    '{ provider: { name: "acme" } }',
    'filled[0]',
    'filled',
    'set.name',
    'deleted',
    'circular',
    '41',
    'null',
    'true',
    '["fedora"]',
    '/fedora/',
    '{ name: 41 }',
    '{ nmae: "fedora" }',
    '"fedora 41"',
    '{ version: /(/ }',
    '() => "fedora"',
    'a < b',
  ])('not useVmImage(%s), which is named', (argument) => {
    const constants = `
      import { imported } from './images.js'
      import { acme } from './acme.js'
      let changing = 'fedora'
      const list = ['fedora'], filled: string[] = [], set = { name: 'fedora' }, deleted = { name: 'fedora', arch: 'vax' }
      filled.push('fedora'); set.name = pick(); delete deleted.arch
      const circular = circular
      function open(parameter = 'fedora') { return useVmImage(${argument}) }`
    const { found, unread } = scan(header + constants)
    expect(unread).toEqual([`useVmImage(${argument})`])
    expect(found).toEqual(argument === 'parameter' ? ['fedora'] : [])
  })

  test.each([
    [`process.env.IMAGE ?? 'fedora'`, 'fedora'],
    [`isNew ? pick() : 'fedora'`, 'fedora'],
  ])('of %s what is known, and it is named as well', (argument, found) => {
    expect(scan(`${header}useVmImage(${argument})`)).toEqual({
      found: [found],
      unread: [`useVmImage(${argument})`],
      problem: undefined,
    })
  })

  test.each([
    [`'debian:13', { arch: 'aarch64' }`, { name: 'debian:13', arch: 'aarch64' }],
    [`{ name: 'debian' }, { arch: 'aarch64' }`, { name: 'debian', arch: 'aarch64' }],
    [`{ name: 'debian', arch: 'x86_64' }, { arch: 'aarch64' }`, { name: 'debian', arch: 'x86_64' }],
    [`'./disk.qcow2', { arch: 'aarch64' }`, { name: './disk.qcow2', arch: 'aarch64' }],
    [`'debian', { extendedL2: false }`, 'debian'],
    [`'debian', options()`, 'debian'],
  ])('openVmImage(%s) is of the architecture of its options', (given, input) => {
    expect(scan(`import { openVmImage } from 'vmimage'; openVmImage(${given})`)).toEqual(finds(input))
  })

  test.each([
    [`t, 'fedora'`, ['fedora'], []],
    [`t, { name: 'debian' }, { size: '20G' }`, [{ name: 'debian' }], []],
    [`t, image`, [], [`useVmImage(t, image)`]],
    [`pick(), { size: '20G' }`, [], [`useVmImage(pick(), { size: '20G' })`]],
    [`'fedora', { size: '20G' }`, ['fedora'], []],
  ])('useVmImage(%s), where the context of the test may come first', (given, found, unread) => {
    const code = `import { useVmImage } from 'vmimage/node-test'; test('', (t) => useVmImage(${given}))`
    expect(scan(code)).toEqual({ found, unread, problem: undefined })
  })

  test('an architecture that is not known is named', () => {
    const call = `openVmImage('debian', { arch: pick() })`
    expect(scan(`import { openVmImage } from 'vmimage'; ${call}`)).toEqual(leaves(call))
  })

  test('long calls are named by their beginning, in one line', () => {
    const [text = ''] = scan(`${header}useVmImage(\n  pick(\n'${'x'.repeat(100)}'))`).unread
    expect(text).toMatch(/^useVmImage\( pick\( 'x+\.\.\.$/)
    expect(text).toHaveLength(60)
  })
})

describe('lists of images', () => {
  const both = ['fedora:41', 'debian:13']
  test.each([
    [`for (const image of ['fedora:41', 'debian:13']) test(image, () => useVmImage(image))`],
    [`for (const image of list) { test(image, () => useVmImage(image)) }`],
    [`for (const [name, version] of pairs) test(name, () => useVmImage(\`\${name}:\${version}\`))`],
    [`for (const { name, version } of records) test(name, () => useVmImage(\`\${name}:\${version}\`))`],
    [`for (const image of Object.values(byKind)) useVmImage(image)`],
    [`for (const [kind, image] of Object.entries(byKind)) useVmImage(image)`],
    [`for (const kind of Object.keys(byKind)) useVmImage(byKind[kind])`],
    [`for (const image of [...list]) useVmImage(image)`],
    [`test.each(['fedora:41', 'debian:13'])('%s', async (image) => { await useVmImage(image) })`],
    [`it.each(list)('%s', (image) => useVmImage(image))`],
    [`it.concurrent.each(list)('%s', { timeout: 1 }, (image) => useVmImage(image))`],
    [`test.skip.each(list)('%s', (image) => useVmImage(image), 60_000)`],
    [`describe.each(list)('%s', (image) => { beforeAll(() => useVmImage(image)) })`],
    [`describe.each(list)('%s', function (image) { test('', async () => { await useVmImage(image) }) })`],
    [`test.each(pairs)('%s', (name, version) => useVmImage(\`\${name}:\${version}\`))`],
    [`test.each(pairs)('%s', (...pair) => useVmImage(\`\${pair[0]}:\${pair[1]}\`))`],
    [`test.each(records)('$name', ({ name, version }) => useVmImage(\`\${name}:\${version}\`))`],
    [`test.each(records)('$name', (it) => useVmImage(\`\${it.name}:\${it.version}\`))`],
    [`test.each(records)('', ({ name, version, image = name + ':' + version }) => useVmImage(image))`],
    [`test.each(list.map((image) => [image, 1]))('', (image) => useVmImage(image))`],
    [`test.each(list.map((image) => ({ image })))('', ({ image }) => useVmImage(image))`],
    [`test.for(pairs)('', ([name, version]) => useVmImage(\`\${name}:\${version}\`))`],
    [`test.for(list)('', (image, { vmImage }) => vmImage(image))`],
    [
      `test.each\`name | version\n\${'fedora'} | \${41}\n\${'debian'} | \${13}\`('', ({ name, version }) => useVmImage(\`\${name}:\${version}\`))`,
    ],
    [`list.forEach((image) => test(image, () => useVmImage(image)))`],
    [`await Promise.all(list.map((image) => useVmImage(image)))`],
    [`await Promise.all(list.map(useVmImage))`],
    [`list.flatMap((image) => [useVmImage(image)])`],
    [`list?.forEach((_, index) => useVmImage(list[index]))`],
    [
      `[['fedora', [41]], ['debian', [13]]].forEach(([name, all]) => all.forEach((v) => useVmImage(\`\${name}:\${v}\`)))`,
    ],
    [`const image = (n: number) => 1; for (const image of list) useVmImage(image)`],
  ])('%s', (code) => {
    const constants = `
      const list = ['fedora:41', 'debian:13'] as const
      const pairs: [string, string][] = [['fedora', '41'], ['debian', '13']]
      const records = [{ name: 'fedora', version: 41 }, { name: 'debian', version: 13 }]
      const byKind = { rpm: 'fedora:41', deb: 'debian:13' };\n`
    expect(scan(header + constants + code)).toEqual(finds(...both))
  })

  test.each([
    [`for (const image of pick()) useVmImage(image)`],
    [`test.each(pick())('', (image) => useVmImage(image))`],
    [`test.each()('', (image) => useVmImage(image))`],
    [`pick().forEach((image) => useVmImage(image))`],
    [`grown.forEach((image) => useVmImage(image))`],
    [`for (const image in { fedora: 1 }) useVmImage(image)`],
    [`['fedora'].reduce((image) => useVmImage(image))`],
  ])('not %s', (code) => {
    const constants = `const grown = ['fedora']; grown.push(pick())\n`
    expect(scan(header + constants + code)).toEqual(leaves('useVmImage(image)'))
  })

  test('names the element of a list that is not known beside those that are', () => {
    const code = `test.each(['fedora', pick(), ...more])('', (image) => useVmImage(image))`
    expect(scan(header + code)).toEqual({
      found: ['fedora'],
      unread: ['useVmImage(image)'],
      problem: undefined,
    })
  })

  test('ends where lists are multiplied, and says that it has not seen all', () => {
    const list = JSON.stringify(Array.from({ length: 100 }, (_, index) => `fedora:${index}`))
    const loops = Array.from({ length: 6 }, (_, depth) => `for (const i${depth} of list)`).join(' ')
    const { found, unread } = scan(`${header}const list = ${list}\n${loops} useVmImage(i5)`)
    expect(found).toHaveLength(100)
    expect(unread).toEqual(['useVmImage(i5)'])
  })

  test('does not grow a text or a list beyond measure', () => {
    expect(scan(`${header}const v0 = 'fedora'\n${doubled('`${v}${v}`')}useVmImage(v60)`)).toEqual(
      leaves('useVmImage(v60)'),
    )
    expect(
      scan(`${header}const v0 = ['fedora']\n${doubled('[...v, ...v]')}for (const x of v60) useVmImage(x)`),
    ).toEqual(leaves('useVmImage(x)'))
  })
})

describe('what else is told', () => {
  test('lines, in the order of the source', () => {
    const code = `${header}\nuseVmImage(pick())\nuseVmImage('b')\n\nuseVmImage('a')\nuseVmImage('b')`
    expect(scanSource(code, 'a.ts')).toEqual({
      found: [
        { input: 'b', line: 4 },
        { input: 'a', line: 6 },
        { input: 'b', line: 7 },
      ],
      unread: [{ line: 3, text: 'useVmImage(pick())' }],
      imports: [],
    })
  })

  test('what is imported from the project, but no types', () => {
    const code = `
      import a from './a'
      import './b.js'
      import type { C } from './c'
      import * as d from '..'
      import e from 'e'
      import f = require('./f')
      export * from './g'
      export { h } from './h'
      export type { I } from './i'
      const j = require('../j'), k = () => import('./k')
      // import './l'`
    expect(scanSource(code, 'a.ts').imports).toEqual([
      './a',
      './b.js',
      '..',
      './f',
      './g',
      './h',
      '../j',
      './k',
    ])
  })

  test('what is no source is a problem with its line', () => {
    const { problem, ...others } = scanSource(`${header}\nuseVmImage('fedora'`, 'a.ts')
    expect(problem).toMatchObject({ line: 3, message: expect.stringContaining('Unexpected token') })
    expect(others).toEqual({ found: [], unread: [], imports: [] })
  })

  test.each([
    ['brackets', '['.repeat(100_000)],
    ['sums', `useVmImage(${"'a' + ".repeat(100_000)}'b')`],
  ])('%s without end are a problem, not a crash', (_, code) => {
    expect(scanSource(header + code, 'a.ts').problem?.message).toEqual(expect.any(String))
  })
})

const seeds = [
  `${header}test.each([['fedora', 41]])('%s', (name, v) => useVmImage(\`\${name}:\${v}\`))\n`,
  `${header}for (const { a = 'x', ...b } of [{ a: 'fedora' }]) useVmImage({ name: a, ...b, version: /4/ })\n`,
  `const { useVmImage: use } = require('vmimage/jest')\nclass A { static { use(c ? 'a' : 'b' ?? d) } }\n`,
  `import * as vm from 'vmimage'\nswitch (x) { case 1: const y = [, 'a']; vm.openVmImage(y[1]) }\n`,
]
const pieces = [
  ...'( ) { } [ ] ` = > : ? . , ;'.split(' '),
  "'",
  '=>',
  '...',
  '${',
  'const ',
  'useVmImage',
  '??',
  ' of ',
  '/',
  '@',
  '<',
  '#',
]

describe('any text', () => {
  const anySource = fc.oneof(anyText(seeds), mutated(seeds, pieces))
  const anyName = fc.constantFrom('a.ts', 'a.tsx', 'a.js', 'a.cjs', 'a.mts')

  test('is read without an error, and what is found can be asked for', () => {
    fc.assert(
      fc.property(anySource, anyName, (code, fileName) => {
        const { found, unread, imports } = scanSource(code, fileName)
        found.forEach(({ input }) => parseSpec(input)) // which throws at what is no request
        expect([...found, ...unread].every(({ line }) => line >= 1)).toBe(true)
        expect(imports.every((specifier) => specifier.startsWith('.'))).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('the texts that are changed are read as they are', () => {
    expect(seeds.map((seed) => scan(seed).found)).toEqual([['fedora:41'], [], ['a', 'b'], ['a']])
  })
})
