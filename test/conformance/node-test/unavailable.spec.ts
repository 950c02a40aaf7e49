/** Tests whose image cannot be had, and one that needs none. Node skips by the context alone, and has none in before(). */
import { beforeEach, describe, test } from 'node:test'
import { type NodeTestContext, useVmImage } from 'vmimage/node-test'

test('asks for it', async (t) => {
  await useVmImage(t, 'ubuntu:24.04')
})

describe('a suite whose beforeEach asks for it', () => {
  beforeEach(async (t: unknown) => {
    await useVmImage(t as NodeTestContext, 'ubuntu:24.04')
  })
  test('has nothing to look at', () => {})
  test('nor has this one', () => {})
})

test('needs none', () => {})
