import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test('there is no run', async () => {
  await expect(useVmImage('fedora')).rejects.toMatchObject({
    code: 'NO_RUN',
    message: expect.stringContaining('vmimage/vitest/plugin'),
  })
})
