/** A user's project as far as its types go: every entry of the package, and what each is for. Compiled, never run. */
import { openVmImage, defineProvider, type VmImage, VmImageError } from 'vmimage'
import type { ImageInput, UseVmImageOptions } from 'vmimage/jest'
import * as forJest from 'vmimage/jest'
import * as forNode from 'vmimage/node-test'
import { test, useVmImage } from 'vmimage/vitest'
import { setup } from 'vmimage/vitest/global-setup'
import { vmImages } from 'vmimage/vitest/plugin'
// oxlint-disable-next-line no-unassigned-import -- it has no exports
import 'vmimage/vitest/setup'
import { before, test as nodeTest } from 'node:test'
import { inject, test as base } from 'vitest'
import { defineConfig } from 'vitest/config'

export const acme = defineProvider({
  name: 'acme',
  versionsUrl: 'https://images.example.org/acme/',
  imagesUrl: 'https://images.example.org/acme/{version}/',
  imagePattern: 'acme-{version}.{arch}.qcow2.xz',
})

export default defineConfig({
  plugins: [vmImages({ images: ['fedora', { name: 'debian', version: '13' }], providers: [acme] })],
  test: {
    globalSetup: ['vmimage/vitest/global-setup'],
    setupFiles: ['vmimage/vitest/setup'],
    provide: { vmImages: { images: ['fedora'] } },
  },
})

export async function open(): Promise<string> {
  await using image: VmImage = await openVmImage('debian:13', { offline: true })
  return image.path
}

test('our fixture', async ({ vmImage, expect }) => {
  const image: VmImage = await vmImage('fedora', { size: '20G' })
  expect(image.virtualSizeBytes).toBeGreaterThan(0)
})

base('the function', async (context) => {
  const image: VmImage = await useVmImage({ name: 'fedora', version: '44' }, { context, keep: 'always' })
  // @ts-expect-error -- there is no such property: the types are not any.
  context.expect(image.size).toBe(0)
})

const input: ImageInput = { name: 'fedora', version: '44' }
const options: UseVmImageOptions = { size: '20G', keep: 'always' }

export const inJest = (): Promise<forJest.VmImage> => forJest.useVmImage(input, options)

void nodeTest('with the context and without', async (t) => {
  const images: readonly forNode.VmImage[] = [
    await forNode.useVmImage(t, input, options),
    await forNode.useVmImage(t, 'fedora'),
    await forNode.useVmImage(input, options),
    await forNode.useVmImage({ name: 'fedora' }),
    await forNode.useVmImage('fedora'),
  ]
  // @ts-expect-error -- a context alone asks for no image.
  await forNode.useVmImage(t)
  t.diagnostic(images.join())
})

// @ts-expect-error -- the context of a suite has a name, and is no image.
before(async (suite) => void (await forNode.useVmImage(suite)))

export const overlayDir: string | undefined = inject('vmimage')?.overlayDir
export const isOurs = (error: unknown): error is VmImageError => error instanceof VmImageError
export const teardown: Promise<() => void> = Promise.resolve(setup).then(() => () => undefined)
