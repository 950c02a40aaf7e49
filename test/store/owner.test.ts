import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  describeOwner,
  isProvablyDead,
  judge,
  newOwner,
  nobody,
  type Owner,
  parseOwner,
} from '../../src/store/owner.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { startWorker } from '../support/worker.js'

/** For what is read from /proc, which only Linux has: other systems judge by the pid alone, and list these as skipped. */
const linuxTest = test.runIf(process.platform === 'linux')

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

  linuxTest.each([
    ['a pid that was given to a younger process', { startTime: '1' }, 'dead'],
    ['a process of an earlier boot', { boot: '11111111' }, 'dead'],
    ['a process that could not read /proc, because nothing is proved', { boot: '00000000' }, 'unknown'],
    [
      'a process of another pid namespace, which cannot be seen from here',
      { pidNamespace: '1', startTime: '1' },
      'unknown',
    ],
    ['a process of another machine, whatever its boot', { machine: '00000000', boot: '11111111' }, 'unknown'],
    ['nobody of another machine', { machine: '00000000', pid: 0 }, 'dead'],
    ['this process', {}, 'alive'],
  ])(
    'fault 14, 15, a pid is used again, by a younger process, after a boot, in another container or machine: only proof counts (%s)',
    (_, difference, verdict) => {
      expect(judge({ ...ours(), ...difference })).toBe(verdict)
    },
  )

  test('nobody() is dead from the beginning', () => {
    expect(judge(parseOwner(nobody()) ?? ours())).toBe('dead')
  })

  linuxTest('judge() takes a process that its parent has not buried for dead', async () => {
    // sh starts a child and becomes `sleep`, which asks for no exit code.
    const parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; exec sleep 60'])
    try {
      const [pid] = (await once(parent.stdout, 'data')).map(Number)
      const stat = () =>
        readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ')
      await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n')
      parent.stdin.end()
      await expect.poll(() => stat()[0]).toBe('Z')
      expect(judge({ ...ours(), pid: Number(pid), startTime: String(stat()[19]) })).toBe('dead')
    } finally {
      parent.kill('SIGKILL')
      await once(parent, 'close')
    }
  })

  linuxTest.each([
    ['judge() of a living process', 'judge(parseOwner(OWNER))', 'unknown'],
    [
      'judge() of a dead process',
      "judge(parseOwner(OWNER.replace(/-\\d+-(\\d+)-(\\w+)$/, '-99999999-$1-$2')))",
      'dead',
    ],
  ])('%s does not take an error of reading /proc for an answer', async (_, code, verdict) => {
    await using worker = startWorker(exhausted(code, 'newOwner()'))
    expect(await worker.line(/^got /)).toBe(`got ${verdict}`)
  })

  linuxTest('newOwner() that cannot read /proc makes a name that proves nothing', async () => {
    await using worker = startWorker(exhausted('newOwner()'))
    const owner = parseOwner((await worker.line(/^got /)).slice('got '.length))
    expect(owner).toMatchObject({ boot: '00000000', pid: worker.pid })
    expect(judge({ ...ours(), ...owner, machine: ours().machine })).toBe('unknown')
  })

  test('two machines with one machine-id are two', async ({ skip }) => {
    skip(!canUnshare, 'this system lets nobody but root set a host name in a namespace (unshare -ru)')
    const name = await runUnshared(
      'hostname another-host',
      "console.log((await source('store/owner.ts')).newOwner())",
    )
    const other = parseOwner(name) ?? ours()
    expect(other.machine).not.toBe(ours().machine)
    expect(other.boot).toBe(ours().boot)
    expect(judge(other)).toBe('unknown')
  })

  test('describeOwner() says when the process is elsewhere', () => {
    expect(describeOwner(ours())).toBe(`process ${process.pid}`)
    expect(describeOwner({ ...ours(), machine: '00000000' })).toContain('another machine')
  })
})

/** A worker's code that does `first`, uses up all file descriptors, and says what `code` gives then. */
function exhausted(code: string, first = ''): string {
  return `
    const { execFileSync } = await import('node:child_process')
    const { openSync } = await import('node:fs')
    const { judge, newOwner, parseOwner } = await source('store/owner.ts')
    const OWNER = ${JSON.stringify(newOwner())}
    execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=64:64'])
    ${first}
    try { for (;;) openSync('/dev/null') } catch {}
    console.log('got ' + ${code})
    setInterval(() => {}, 1000)`
}
