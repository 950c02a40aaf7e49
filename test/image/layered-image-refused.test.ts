/** Layers into which somebody else could have put something. */
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cacheLayout } from '../../src/store/layout.js'
import { acme } from '../support/publisher.js'
import { ensureFrom } from './ensure-from.js'
import { diskOf, startLayered } from './layered.js'

describe('a layer that is not to be used', () => {
  test.each<[string, string, (layer: string) => void]>([
    ['is not there', 'INVALID_CONFIG', (layer) => renameSync(layer, `${layer}.gone`)],
    ['can be written by everybody', 'CACHE_UNSAFE', (layer) => chmodSync(layer, 0o777)],
    [
      'has images that everybody can write',
      'CACHE_UNSAFE',
      (layer) => chmodSync(cacheLayout(layer).images, 0o777),
    ],
  ])('because it %s is refused: %s', async (_, code, spoil) => {
    await using layered = await startLayered()
    const { publisher, layer, options, asked } = layered
    try {
      spoil(layer)
      await expect(ensureFrom(publisher, { provider: acme }, options)).rejects.toMatchObject({ code })
      expect(asked()).toBe(0)
    } finally {
      if (existsSync(`${layer}.gone`)) renameSync(`${layer}.gone`, layer)
    }
  })

  test('is refused before it gives an image whose digest is known', async () => {
    await using layered = await startLayered()
    const { publisher, layer, options } = layered
    const own = await ensureFrom(publisher, { provider: acme })
    rmSync(own.path)
    chmodSync(layer, 0o777)
    const refused = ensureFrom(publisher, { provider: acme }, options)
    await expect(refused).rejects.toMatchObject({ code: 'CACHE_UNSAFE' })
  })

  test('is refused before it says which image of another layer is meant', async () => {
    await using layered = await startLayered()
    const { publisher, layer, options } = layered
    const safe = join(publisher.directory, 'safe')
    await ensureFrom(publisher, { provider: acme }, { cacheDir: safe })
    rmSync(cacheLayout(safe).resolved, { recursive: true })
    chmodSync(layer, 0o777)
    const refused = ensureFrom(
      publisher,
      { provider: acme },
      { extraCacheDirs: [safe, ...(options.extraCacheDirs ?? [])] },
    )
    await expect(refused).rejects.toMatchObject({ code: 'CACHE_UNSAFE' })
  })

  test.each<[string, (resolved: string) => void]>([
    ['that everybody can write', (resolved) => chmodSync(resolved, 0o777)],
    ['with records that everybody can write', (resolved) => chmodSync(join(resolved, only(resolved)), 0o666)],
    [
      'behind a link',
      (resolved) => {
        chmodSync(join(resolved, '..'), 0o755)
        renameSync(resolved, `${resolved}.elsewhere`)
        symlinkSync(`${resolved}.elsewhere`, resolved)
      },
    ],
  ])('is not asked what a name means when it has resolutions %s', async (_, spoil) => {
    await using layered = await startLayered()
    const { publisher, layer, options, asked } = layered
    spoil(cacheLayout(layer).resolved)
    const base = await ensureFrom(publisher, { provider: acme }, options)
    expect(base.path).toBe(diskOf(layer))
    expect(asked()).toBeGreaterThan(0)
  })
})

function only(directory: string): string {
  return String(readdirSync(directory)[0])
}
