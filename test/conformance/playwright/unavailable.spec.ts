/** Tests whose image cannot be had, and one that needs none. */
import { test } from 'vmimage/playwright'

test('asks for it', async ({ vmImage }) => {
  await vmImage('ubuntu:24.04')
})

test.describe('a suite whose beforeEach asks for it', () => {
  test.beforeEach(async ({ vmImage }) => {
    await vmImage('ubuntu:24.04')
  })
  test('has nothing to look at', () => {})
  test('nor has this one', () => {})
})

test('needs none', () => {})
