/** A user's project as far as its types go: every entry of the package, and what each is for. Compiled, never run. */
import { openVmImage, defineProvider, type VmImage, VmImageError } from 'vmimage'
import { test, useVmImage } from 'vmimage/vitest'
import { setup } from 'vmimage/vitest/global-setup'
import { vmImages } from 'vmimage/vitest/plugin'
// oxlint-disable-next-line no-unassigned-import -- it has no exports
import 'vmimage/vitest/setup'
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

export const overlayDir: string | undefined = inject('vmimage')?.overlayDir
export const isOurs = (error: unknown): error is VmImageError => error instanceof VmImageError
export const teardown: Promise<() => void> = Promise.resolve(setup).then(() => () => undefined)
