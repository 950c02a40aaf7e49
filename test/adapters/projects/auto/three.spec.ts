import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test('another file', async () => {
  const image = await useVmImage({ url: 'https://images.test/three.qcow2', minimumTrust: 'unverified' })
  expect(image.fileName).toBe('three.qcow2')
})
