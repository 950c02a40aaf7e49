import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const { exports: entries } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>> // of our own package.json
}

/** Every name that a user can import. A name here is a promise: removing one is a breaking change. */
const surface: Readonly<Record<string, readonly string[]>> = {
  '.': ['VmImageError', 'defineConfig', 'defineProvider', 'errorCodes', 'imageProviders', 'openVmImage'],
  './vitest': ['test', 'useVmImage'],
  './vitest/plugin': ['vmImages'],
  './vitest/global-setup': ['setup'],
  './vitest/setup': [],
}

describe('the public surface', () => {
  test('package.json has exactly these entries', () => {
    expect(Object.keys(entries)).toEqual([...Object.keys(surface), './package.json'])
  })

  test.each(Object.keys(surface).filter((entry) => entry !== './vitest/setup'))(
    '%s exports what is listed',
    async (entry) => {
      const names = Object.keys(await import(entry.replace('.', 'vmimage')))
      expect(new Set(names)).toEqual(new Set(surface[entry]))
    },
  )
})
