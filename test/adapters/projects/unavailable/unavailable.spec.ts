import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

describe('unit', () => {
  test('fails of itself, while others are skipped', async () => {
    await setTimeout(500)
    expect(1).toBe(2)
  })

  test('asks for what cannot be had', async () => {
    await useVmImage('fedora')
  })

  test('asks for what nobody has', async () => {
    await expect(useVmImage('fedoar')).rejects.toMatchObject({ code: 'UNKNOWN_SYSTEM' })
  })
})

describe('system', () => {
  beforeAll(async () => {
    await useVmImage('debian:13')
  })

  test('is skipped with its beforeAll', () => {
    throw new Error('It ran.')
  })
})
