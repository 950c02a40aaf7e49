/** A real tree of files: what is read of it, what is passed over, and what is said of the rest. */
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findSources } from '../../src/scan/find-sources.js'
import { scanFiles } from '../../src/scan/scan-files.js'
import { unreadText } from '../../src/scan/unread-text.js'
import { isRoot } from '../support/nobody.js'
import { tempDir } from '../support/temp-dir.js'

interface Tree extends AsyncDisposable {
  readonly path: string
  /** As a place is written: from the current directory. */
  place(file: string, line?: number): string
  scan(...files: readonly string[]): ReturnType<typeof scanFiles>
  /** The images alone. */
  images(...files: readonly string[]): Promise<readonly unknown[]>
}

async function plant(files: Readonly<Record<string, string>>): Promise<Tree> {
  const directory = await tempDir()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory.path, name)), { recursive: true })
    writeFileSync(join(directory.path, name), text)
  }
  const scan = (...names: readonly string[]) => scanFiles(names.map((name) => join(directory.path, name)))
  return {
    path: directory.path,
    place: (file, line) =>
      relative(process.cwd(), join(directory.path, file)) + (line === undefined ? '' : `:${line}`),
    scan,
    images: async (...names) => (await scan(...names)).images.map(({ input }) => input),
    [Symbol.asyncDispose]: directory[Symbol.asyncDispose],
  }
}

const use = (image: string) => `import { useVmImage } from 'vmimage/vitest'\nuseVmImage(${image})\n`

describe('scanFiles()', () => {
  test('names each image once, with its places, in the order of the sorted files', async () => {
    await using tree = await plant({
      'b.test.ts': use(`'fedora'`),
      'a.test.ts': `${use(`'debian'`)}useVmImage({ name: 'alpine', version: /3/ })\nuseVmImage('fedora')`,
      'c.test.ts': use(`{ version: /3/, name: 'alpine' }`),
      'd.test.ts': use(`{ name: 'alpine', version: /4/ }`),
    })
    expect((await tree.scan('d.test.ts', 'c.test.ts', 'b.test.ts', 'a.test.ts')).images).toEqual([
      { input: 'debian', places: [tree.place('a.test.ts', 2)] },
      {
        input: { name: 'alpine', version: /3/ },
        places: [tree.place('a.test.ts', 3), tree.place('c.test.ts', 2)],
      },
      { input: 'fedora', places: [tree.place('a.test.ts', 4), tree.place('b.test.ts', 2)] },
      { input: { name: 'alpine', version: /4/ }, places: [tree.place('d.test.ts', 2)] },
    ])
  })

  test.each([
    ['./a.ts', 'a.ts'],
    ['./a', 'a.ts'],
    ['./a', 'a.tsx'],
    ['./a', 'a.mts'],
    ['./a', 'a.cts'],
    ['./a', 'a.js'],
    ['./a', 'a.jsx'],
    ['./a', 'a.mjs'],
    ['./a', 'a.cjs'],
    ['./a', 'a/index.ts'],
    ['./a', 'a/index.cjs'],
    ['./a/', 'a/index.js'],
    ['./a.js', 'a.ts'],
    ['./a.js', 'a.tsx'],
    ['./a.jsx', 'a.tsx'],
    ['./a.mjs', 'a.mts'],
    ['./a.cjs', 'a.cts'],
    ['./a.setup', 'a.setup.ts'],
    ['./a.ts?inline', 'a.ts'],
    ['../tests/deep/../a', 'a.ts'],
    ['.', 'index.ts'],
  ])('follows an import of %s to %s', async (specifier, file) => {
    const imported = { [`tests/${file}`]: use(`'fedora'`), 'tests/deep/none.txt': '' }
    await using tree = await plant({ 'tests/b.test.ts': `import '${specifier}'`, ...imported })
    expect(await tree.images('tests/b.test.ts')).toEqual(['fedora'])
  })

  test.each([
    ['export * from', `export * from './a'`],
    ['require()', `const a = require('./a')`],
    ['import()', `const a = () => import('./a')`],
    ['an import over several lines', `import {\n  a,\n  b,\n} from './a'`],
    ['an import behind a type', `import type { B } from './b'\nimport a from './a'`],
    ['an import in a file that is no source', `import a from './a'\n}}}`],
    ['an import in a file with a wrong call', `import a from './a'\nuseVmImage((`],
  ])('follows %s', async (_, code) => {
    await using tree = await plant({ 'b.test.ts': code, 'a.ts': use(`'fedora'`), 'b.ts': use(`'debian'`) })
    expect(await tree.images('b.test.ts')).toEqual(['fedora'])
  })

  test.each([
    ['a package', `import 'a'`],
    ['a file of a package', `import './node_modules/a/index.js'`],
    ['a link into a package', `import './linked'`],
    ['types', `import type { A } from './a'`],
    ['types, beside a call', `${use(`'debian'`)}import type { A } from './a'`],
    ['what is no source', `import './a.json'`],
    ['a missing file', `import './missing'`],
    ['a link to itself', `import './loop'`],
    ['a directory', `import './empty'`],
    ['declarations', `import './d.d.ts'`],
  ])('does not follow %s', async (_, code) => {
    const fedora = use(`'fedora'`)
    await using tree = await plant({
      'b.test.ts': code,
      'a.ts': fedora,
      'a.json': fedora,
      'd.d.ts': fedora,
      'node_modules/a/index.js': fedora,
      'empty/a.ts': fedora,
    })
    symlinkSync('loop.ts', join(tree.path, 'loop.ts'))
    symlinkSync('node_modules/a', join(tree.path, 'linked'))
    const { images, problems } = await tree.scan('b.test.ts')
    expect(images.map(({ input }) => input).filter((input) => input !== 'debian')).toEqual([])
    expect(problems).toEqual([])
  })

  test('reads each file once, also in circles and through links', async () => {
    await using tree = await plant({
      'a.test.ts': `import './b'\nimport './here/b'\n${use(`'fedora'`)}`,
      'b.ts': `import './a.test'\nimport './here/here/a.test'\n${use(`'debian'`)}`,
    })
    symlinkSync('.', join(tree.path, 'here'))
    expect(await tree.scan('a.test.ts', 'here/a.test.ts', 'a.test.ts')).toEqual({
      images: [
        { input: 'fedora', places: [tree.place('a.test.ts', 4)] },
        { input: 'debian', places: [tree.place('b.ts', 4)] },
      ],
      unread: [],
      problems: [],
      fileCount: 2,
    })
  })

  test('follows imports of imports, also where nothing else is of interest', async () => {
    const links = Array.from({ length: 100 }, (_, index) => [`f${index}.ts`, `import './f${index + 1}'`])
    await using tree = await plant({ ...Object.fromEntries(links), 'f100.ts': use(`'fedora'`) })
    expect(await tree.images('f0.ts')).toEqual(['fedora'])
  })

  test('names what it cannot read, and goes on', async () => {
    await using tree = await plant({
      'broken.test.ts': use(`'fedora'`).replace(')', ''),
      'fine.test.ts': use(`'debian'`),
      'another.test.ts': use(`'alpine'`),
      'large.test.ts': use(`'rocky'`) + ' '.repeat(1024 ** 2),
      'large.ts': ' '.repeat(1024 ** 2),
      'foreign.ts': '}}} of another language',
    })
    symlinkSync('loop.test.ts', join(tree.path, 'loop.test.ts'))
    mkdirSync(join(tree.path, 'directory.ts'))
    const files = [...readdirSync(tree.path), 'missing.test.ts']
    const { images, problems } = await tree.scan(...files)
    expect(images.map(({ input }) => input)).toEqual(['alpine', 'debian'])
    expect(problems.toSorted((a, b) => (a.place < b.place ? -1 : 1))).toEqual([
      { place: tree.place('broken.test.ts', 3), message: expect.stringContaining('Unexpected token') },
      { place: tree.place('directory.ts'), message: 'It cannot be read (EISDIR).' },
      { place: tree.place('large.test.ts', 1), message: expect.stringContaining('more than 1048576') },
      { place: tree.place('loop.test.ts'), message: 'It cannot be read (ELOOP).' },
      { place: tree.place('missing.test.ts'), message: 'It cannot be read (ENOENT).' },
    ])
  })

  test('stops at 5000 imported files, and says so', async () => {
    const many = Array.from({ length: 5001 }, (_, index) => index)
    await using tree = await plant({
      'a.test.ts': many.map((index) => `import './f/${index}.js'\n`).join('') + use(`'fedora'`),
      ...Object.fromEntries(many.map((index) => [`f/${index}.js`, ''])),
    })
    const { images, problems, fileCount } = await tree.scan('a.test.ts')
    expect(images).toHaveLength(1)
    expect(fileCount).toBe(5001)
    expect(problems).toEqual([
      { place: tree.place('f/5000.js'), message: expect.stringContaining('more than 5000 files') },
    ])
  })

  test('finds nothing in nothing', async () => {
    expect(await scanFiles([])).toEqual({ images: [], unread: [], problems: [], fileCount: 0 })
  })
})

describe('unreadText()', () => {
  test('is one line for people', async () => {
    await using tree = await plant({
      'a.test.ts': use('pick()'),
      'b.test.ts': use('\n  process.env.IMAGE'),
    })
    const { unread } = await tree.scan('a.test.ts', 'b.test.ts')
    expect(unreadText(unread)).toBe(
      `cannot tell which image is meant at ${tree.place('a.test.ts', 2)} (useVmImage(pick())), ` +
        `${tree.place('b.test.ts', 2)} (useVmImage( process.env.IMAGE)): list it in images`,
    )
  })

  test('holds nothing of the name of a file that a terminal would obey', async () => {
    const name = 'a\u001b[2K\r\u202eb.test.ts'
    await using tree = await plant({ [name]: use('pick()') })
    const { unread } = await tree.scan(name)
    expect(unreadText(unread)).toMatch(/a\?\[2K\?\?b\.test\.ts:2/)
    expect(unreadText(unread)).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  test('names five places, and counts the others', () => {
    const unread = Array.from({ length: 8 }, (_, index) => ({ place: `a.ts:${index}`, text: 'f()' }))
    expect(unreadText(unread)).toMatch(/a\.ts:4 \(f\(\)\) and 3 more: list it in images$/)
    expect(unreadText(unread.slice(0, 5))).not.toContain('more')
  })

  test('is nothing where there is nothing to say', () => {
    expect(unreadText([])).toBeUndefined()
  })
})

describe('findSources()', () => {
  test('lists sources, sorted, without what is made or installed', async () => {
    const wanted = ['a.ts', 'b/a.tsx', 'b/c/d.mjs', 'e.cts', 'e.jsx', 'src/build.ts', 'z.test.js']
    const others = [
      'a.d.ts',
      'a.d.mts',
      'a.json',
      'README',
      'ts',
      '.git/a.ts',
      '.vitest/a/b.ts',
      'node_modules/a.ts',
    ]
    const made = ['dist/a.js', 'b/build/a.js', 'coverage/a.js', 'b/node_modules/c/a.ts']
    const all = [...others, ...wanted.toReversed(), ...made]
    await using tree = await plant(Object.fromEntries(all.map((name) => [name, ''])))
    symlinkSync('..', join(tree.path, 'b/up'))
    symlinkSync('a.ts', join(tree.path, 'link.ts'))
    const found = await findSources(tree.path)
    expect(found.map((file) => relative(tree.path, file))).toEqual(wanted)
  })

  test.skipIf(isRoot)(
    `passes over a directory that it may not list${isRoot ? ' (root may list all)' : ''}`,
    async () => {
      await using tree = await plant({ 'a.ts': '', 'closed/b.ts': '' })
      chmodSync(join(tree.path, 'closed'), 0o000)
      const found = await findSources(tree.path)
      chmodSync(join(tree.path, 'closed'), 0o700)
      expect(found.map((file) => relative(tree.path, file))).toEqual(['a.ts'])
    },
  )

  test('says that the directory itself is not there', async () => {
    await expect(findSources('/nowhere/at/all')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
