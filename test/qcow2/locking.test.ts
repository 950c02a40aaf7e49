/**
 * What QEMU's locks on image files do for an overlay and its base, and what they do not: the table in docs/qcow2.md,
 * each row with real machines. They are paused, which makes no difference to their disks.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { createOverlay } from '../../src/qcow2/create.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { qemuImg, qemuIo } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'
import { type Qmp, startQmp } from './qmp.js'

/** A base and overlays on it, each with the machine that uses it. */
interface Bench extends AsyncDisposable {
  readonly base: string
  /** Overlays that machines have open. */
  readonly used: readonly string[]
  readonly machines: readonly Qmp[]
  /** An overlay that nobody has open. */
  readonly free: string
}

function startMachine(overlay: string): Promise<Qmp> {
  const quiet = ['-S', '-accel', 'tcg', '-m', '32', '-nodefaults', '-display', 'none', '-nic', 'none']
  const drive = ['-drive', `file=${overlay},format=qcow2,if=virtio,id=disk`]
  return startQmp('qemu-system-x86_64', [...quiet, ...drive, '-qmp', 'stdio'])
}

async function openBench(count = 1): Promise<Bench> {
  const dir = await tempDir()
  const base = join(dir.path, 'base')
  writeFileSync(base, smallQcow2('locked'))
  chmodSync(base, 0o444)
  const image = inspectImage(base)
  const used = Array.from({ length: count }, (_, index) => join(dir.path, `used-${index}`))
  const free = join(dir.path, 'free')
  for (const path of [...used, free]) createOverlay(path, image)
  const machines: Qmp[] = []
  for (const path of used) machines.push(await startMachine(path))
  return {
    base,
    used,
    machines,
    free,
    async [Symbol.asyncDispose]() {
      for (const machine of machines) await machine[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

/** What QEMU says against it. */
async function refusalOf(action: Promise<unknown>): Promise<string> {
  const done = await action.then(
    () => 'it was done',
    (error: unknown) => String(error),
  )
  return done
}

/** Reads or writes the disk of a machine as its guest would, and sees that it was done. */
async function onDisk(machine: Qmp, command: string): Promise<void> {
  const { printed } = await machine.ask('human-monitor-command', {
    'command-line': `qemu-io disk "${command}"`,
  })
  expect(printed).toMatch(/^(read|wrote) (\d+)\/\2 bytes/)
}

const writeLock = /Failed to get (shared )?"(write|consistent read)" lock/

// One for all rows that leave it as it was.
let bench: Bench
let used: string
let machine: Qmp
beforeAll(async () => {
  bench = await openBench(3)
  const [first] = bench.used
  const [running] = bench.machines
  if (first === undefined || running === undefined) throw new TypeError('There is no machine.')
  used = first
  machine = running
})
afterAll(() => bench[Symbol.asyncDispose]())

const rows: Readonly<Record<string, () => Promise<void>>> = {
  'several machines use one base (0444), each by its own overlay': async () => {
    for (const each of bench.machines) await onDisk(each, 'read 0 64k')
    expect(bench.machines).toHaveLength(3)
  },
  'a second machine is started on an overlay in use': async () => {
    expect(await refusalOf(startMachine(used))).toMatch(writeLock)
  },
  '`qemu-img info` of an overlay in use': async () => {
    expect(await refusalOf(qemuImg('info', '-f', 'qcow2', used))).toMatch(writeLock)
  },
  '`qemu-img info -U` of an overlay in use': async () => {
    expect(await qemuImg('info', '-U', '-f', 'qcow2', '--backing-chain', used)).toContain(
      'file format: qcow2',
    )
  },
  '`qemu-img check` of an overlay in use': async () => {
    expect(await refusalOf(qemuImg('check', '-f', 'qcow2', used))).toMatch(writeLock)
    expect(await qemuImg('check', '-U', '-f', 'qcow2', used)).toContain('No errors')
  },
  '`qemu-img convert` of an overlay in use': async () => {
    const copy = `${used}.copy`
    expect(await refusalOf(qemuImg('convert', '-f', 'qcow2', '-O', 'raw', used, copy))).toMatch(writeLock)
    await qemuImg('convert', '-U', '-f', 'qcow2', '-O', 'raw', used, copy)
    expect(existsSync(copy)).toBe(true)
  },
  '`qemu-img commit` of an overlay in use': async () => {
    expect(await refusalOf(qemuImg('commit', '-f', 'qcow2', used))).toMatch(writeLock)
  },
  '`qemu-img rebase` of an overlay in use': async () => {
    expect(await refusalOf(qemuImg('rebase', '-f', 'qcow2', '-b', '', used))).toMatch(writeLock)
  },
  '`qemu-img rebase -U` of an overlay in use': async () => {
    expect(await refusalOf(qemuImg('rebase', '-U', '-f', 'qcow2', '-b', '', used))).toMatch(writeLock)
  },
  '`qemu-img commit` of another overlay into a base in use': async () => {
    expect(await refusalOf(qemuImg('commit', '-f', 'qcow2', bench.free))).toMatch(
      /Failed to get "write" lock|Permission denied/,
    )
  },
  '`qemu-io` writes to a base in use': async () => {
    expect(await refusalOf(qemuIo(bench.base, 'write 0 512'))).toMatch(
      /Failed to get "write" lock|Permission denied/,
    )
  },
  'another program writes to a base in use': async () => {
    await using own = await openBench()
    chmodSync(own.base, 0o644)
    const fd = openSync(own.base, 'r+')
    expect(writeSync(fd, Buffer.alloc(512, 9), 0, 512, 5 * 65_536)).toBe(512)
    expect(readFileSync(own.base)[5 * 65_536]).toBe(9)
    await onDisk(own.machines[0] ?? machine, 'read -P 9 0 512')
  },
  'an overlay in use is deleted': async () => {
    await using own = await openBench()
    const [running = machine] = own.machines
    rmSync(own.used[0] ?? '')
    await onDisk(running, 'write -P 5 64k 64k')
    await onDisk(running, 'read -P 5 64k 64k')
    expect(existsSync(own.used[0] ?? '')).toBe(false)
  },
  'a base in use is deleted': async () => {
    await using own = await openBench()
    rmSync(own.base)
    await onDisk(own.machines[0] ?? machine, 'read 0 64k')
    expect(await refusalOf(startMachine(own.free))).toContain('Could not open backing file')
  },
  'a machine is killed': async () => {
    await using own = await openBench()
    await own.machines[0]?.[Symbol.asyncDispose]()
    expect(await qemuImg('info', '-f', 'qcow2', own.used[0] ?? '')).toContain('file format: qcow2')
    expect(await qemuImg('check', '-f', 'qcow2', own.used[0] ?? '')).toContain('No errors')
  },
}

test.each(Object.keys(rows))('%s', { timeout: 60_000 }, async (name) => {
  await rows[name]?.()
})

test('docs/qcow2.md has these rows, and no other', () => {
  const text = readFileSync(new URL('../../docs/qcow2.md', import.meta.url), 'utf8')
  const table = text.slice(text.indexOf('## Locks'))
  const names = [...table.matchAll(/^\| (.+?) \| (?:yes|no) \| .* \|$/gm)].map(([, name]) => name)
  expect(names).toEqual(Object.keys(rows))
})

test('the machines hold the locks that docs/qcow2.md names', () => {
  const text = readFileSync(new URL('../../docs/qcow2.md', import.meta.url), 'utf8')
  const version = execFileSync('qemu-img', ['--version'], { encoding: 'utf8' })
  expect(version).toMatch(/^qemu-img version \d+\./)
  expect(text).toContain('100, 201 and 203')
  const inode = execFileSync('stat', ['-c', '%i', bench.base], { encoding: 'utf8' }).trim()
  const bytes = [
    ...readFileSync('/proc/locks', 'utf8').matchAll(/OFDLCK +ADVISORY +READ .*:(\d+) (\d+) (\d+)/g),
  ]
    .filter(([, of]) => of === inode)
    .map(([, , from]) => Number(from))
  expect([...new Set(bytes)].toSorted((a, b) => a - b)).toEqual([100, 201, 203])
})
