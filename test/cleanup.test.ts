import { describe, expect, test } from 'vitest'
import { Cleanup } from '../src/cleanup.js'

describe('Cleanup', () => {
  test('undoes the last step first, and each step once', async () => {
    const order: string[] = []
    const cleanup = new Cleanup()
    cleanup.defer(() => void order.push('first'))
    cleanup.use({ [Symbol.asyncDispose]: async () => void order.push('second') })
    await cleanup[Symbol.asyncDispose]()
    await cleanup[Symbol.asyncDispose]()
    expect(order).toEqual(['second', 'first'])
  })

  test('move() leaves nothing to undo behind', async () => {
    const order: string[] = []
    const cleanup = new Cleanup()
    cleanup.defer(() => void order.push('moved'))
    const moved = cleanup.move()
    await cleanup[Symbol.asyncDispose]()
    expect(order).toEqual([])
    await moved[Symbol.asyncDispose]()
    expect(order).toEqual(['moved'])
  })

  test('a step that throws does not keep the others from running', async () => {
    const order: string[] = []
    const cleanup = new Cleanup()
    cleanup.defer(() => void order.push('ran'))
    cleanup.defer(() => Promise.reject(new Error('broken')))
    await expect(cleanup[Symbol.asyncDispose]()).rejects.toThrow('broken')
    expect(order).toEqual(['ran'])
  })

  test('several errors come together', async () => {
    const cleanup = new Cleanup()
    cleanup.defer(() => Promise.reject(new Error('one')))
    cleanup.defer(() => Promise.reject(new Error('two')))
    await expect(cleanup[Symbol.asyncDispose]()).rejects.toBeInstanceOf(AggregateError)
  })
})
