/** Tests whose image cannot be had, and one that needs none. */
import { beforeAll, describe, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test('asks for it', async () => {
  await useVmImage('ubuntu:24.04')
})

describe('a suite whose beforeAll asks for it', () => {
  beforeAll(async () => {
    await useVmImage('ubuntu:24.04')
  })
  test('has nothing to look at', () => {})
  test('nor has this one', () => {})
})

test('needs none', () => {})
