import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const { exports: entries } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as {
  readonly exports: Readonly<Record<string, unknown>> // of our own package.json
}

/** Every name that a user can import. A name here is a promise: removing one is a breaking change. */
const surface: Readonly<Record<string, readonly string[]>> = {
  '.': [
    'VmImageError',
    'defineConfig',
    'defineProvider',
    'diskAt',
    'errorCodes',
    'imageProviders',
    'openVmImage',
  ],
  './vitest': ['test', 'useVmImage'],
  './vitest/plugin': ['vmImages'],
  './vitest/global-setup': ['setup'],
  './vitest/setup': [],
  './jest': ['useVmImage'],
  './jest/global-setup': ['default'],
  './jest/global-teardown': ['default'],
  './node-test': ['useVmImage'],
  './playwright': ['test'],
  './playwright/global-setup': ['default'],
}

describe('the public surface', () => {
  test('package.json has exactly these entries', () => {
    expect(Object.keys(entries)).toEqual([...Object.keys(surface), './package.json'])
  })

  test.each(Object.keys(surface).filter((entry) => entry !== './vitest/setup'))(
    '%s exports what is listed',
    async (entry) => {
      const names = Object.keys(await import(entry.replace('.', 'vmimage')))
      // Node adds these two to what a file of CommonJS exports.
      const own = names.filter(
        (name) => name !== 'module.exports' && (entry !== './jest' || name !== 'default'),
      )
      expect(new Set(own)).toEqual(new Set(surface[entry]))
    },
  )
})
