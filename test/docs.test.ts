import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../src/errors.js'
import { imageProviders } from '../src/providers/index.js'
import { providerRow } from '../src/providers/table.js'
import { gateRules } from '../src/qcow2/gate.js'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const variables = ['src/context.ts', 'src/options.ts'].flatMap((file) =>
  [...read(file).matchAll(/'(VMIMAGE_\w+)'/g)].map(([, name = '']) => name),
)

describe('the documents', () => {
  test('docs/errors.md has one section for each code, and none for others', () => {
    const sections = [...read('docs/errors.md').matchAll(/^### (\w+)$/gm)].map(([, code]) => code)
    expect(sections).toHaveLength(Object.keys(errorCodes).length)
    expect(new Set(sections)).toEqual(new Set(Object.keys(errorCodes)))
  })

  test('docs/cache.md lists every rule of the gate', () => {
    const rows = [...read('docs/cache.md').matchAll(/^\| ([SQW]\d[\w-]*) \| (.*) \|$/gm)].map(
      ([, id, meaning]) => ({
        id,
        meaning,
      }),
    )
    expect(rows).toEqual(gateRules.map(({ id, meaning }) => ({ id, meaning })))
  })

  test('README.md has one row for each system, as its provider describes it', () => {
    const rows = imageProviders.list().map((provider) => {
      const [name = '', ...others] = providerRow(provider)
      return `| ${[`\`${name}\``, ...others].join(' | ')} |`
    })
    const shown = read('README.md').split('\n')
    expect(shown.filter((line) => rows.includes(line))).toEqual(rows)
  })

  test.each(['README.md', 'docs/config.md'])('%s lists every environment variable', (file) => {
    const text = read(file)
    expect([...new Set(variables)].filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  })
})
