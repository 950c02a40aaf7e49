import { describe, expect, test } from 'vitest'
import {
  describeOwner,
  isProvablyDead,
  newOwner,
  nobody,
  type Owner,
  parseOwner,
} from '../../src/store/owner.js'
import { startWorker } from '../support/worker.js'

function ours(): Owner {
  const owner = parseOwner(newOwner())
  if (owner === undefined) throw new Error('newOwner() makes a name that parseOwner() does not read')
  return owner
}

describe('owner', () => {
  test('newOwner() never gives the same name twice', () => {
    expect(new Set(Array.from({ length: 100 }, newOwner)).size).toBe(100)
  })

  test('parseOwner() reads nothing into names that are not an owner', () => {
    for (const name of ['', 'CACHEDIR.TAG', 'a-b-c-d-e-f', '00000000-00000000-1-1-1', `${newOwner()}x`]) {
      expect(parseOwner(name)).toBeUndefined()
    }
  })

  test('isProvablyDead() holds the living process for alive', () => {
    expect(isProvablyDead(ours())).toBe(false)
  })

  test('isProvablyDead() knows a process that was killed', async () => {
    await using worker = startWorker(`
      const { newOwner } = await source('store/owner.ts')
      console.log('owner ' + newOwner())
      setInterval(() => {}, 1000)`)
    const owner = parseOwner((await worker.line(/^owner /)).slice('owner '.length)) ?? ours()
    expect(isProvablyDead(owner)).toBe(false)
    worker.kill('SIGKILL')
    await worker.ended()
    expect(isProvablyDead(owner)).toBe(true)
  })

  test.runIf(process.platform === 'linux').each([
    ['a pid that was given to a younger process', { startTime: '1' }, true],
    ['a process of an earlier boot', { boot: '00000000' }, true],
    [
      'a process of another pid namespace, which cannot be seen from here',
      { pidNamespace: '1', startTime: '1' },
      false,
    ],
    ['a process of another machine, whatever its boot', { machine: '00000000', boot: '00000000' }, false],
  ])('isProvablyDead() judges %s', (_, difference, dead) => {
    expect(isProvablyDead({ ...ours(), ...difference })).toBe(dead)
  })

  test('nobody() is dead from the beginning', () => {
    expect(isProvablyDead(parseOwner(nobody()) ?? ours())).toBe(true)
  })

  test('describeOwner() says when the process is elsewhere', () => {
    expect(describeOwner(ours())).toBe(`process ${process.pid}`)
    expect(describeOwner({ ...ours(), machine: '00000000' })).toContain('another machine')
  })
})
