import { existsSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'
import { image } from './image.js'

const numbers = Array.from({ length: 16 }, (_, number) => number)
const paths: string[] = []

describe.each(['flat', 'nested'])('%s', (shape) => {
  // A test in a concurrent suite is concurrent, whether it says so itself or not.
  describe.concurrent('concurrent tests', () => {
    const suite =
      shape === 'flat' ? (body: () => void) => body() : (body: () => void) => describe('inside', body)
    suite(() => {
      let opened = 0
      beforeEach(async () => {
        paths.push((await useVmImage(image)).path)
      })

      test.each(numbers)('number %i keeps its disks to its own end', async (number) => {
        const first = await useVmImage(image)
        opened += 1
        // Later numbers end first: were the disks of all given to one test, some would be gone by now.
        for (let turn = 0; turn < 20 * (numbers.length - number); turn += 1) await setImmediate()
        const second = await useVmImage(image)
        paths.push(first.path, second.path)
        expect(existsSync(first.path)).toBe(true)
        expect(existsSync(second.path)).toBe(true)
        expect(opened).toBeGreaterThan(0)
      })
    })
  })
})

test('no disk is left', () => {
  expect(new Set(paths).size).toBe(2 * 3 * numbers.length)
  expect(paths.filter((path) => existsSync(path))).toEqual([])
})
