import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test('a system that is pinned', async () => {
  const image = await useVmImage('acme')
  expect(image).toMatchObject({ name: 'Acme', version: '1', build: '1', trust: 'pinned' })
})

test('one that is not', async () => {
  await useVmImage('acme:1')
})
