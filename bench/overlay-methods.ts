/** The ways to a new overlay that are measured, and the least that Node needs for a new file. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { execa } from 'execa'
import { createOverlay, prepareOverlay } from '../src/qcow2/create.js'
import type { DiskImage } from '../src/qcow2/inspect.js'

export interface Method {
  readonly name: string
  readonly filesPerRound: number
  readonly create: (path: string) => unknown
}

const qemuImgBytes = Buffer.alloc(196_768)
/** The disk for which an overlay by qemu-img has those 196,768 bytes. */
const tenGiB = 10 * 2 ** 30

export function methodsFor(base: DiskImage): readonly Method[] {
  const create = ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base.path]
  const cached = prepareOverlay(base, { sizeBytes: tenGiB })
  const dense = prepareOverlay(base, { sizeBytes: tenGiB, dense: true, extendedL2: false })
  return [
    { name: 'ours, layout cached', filesPerRound: 100, create: cached },
    {
      name: 'ours, createOverlay()',
      filesPerRound: 100,
      create: (path) => createOverlay(path, base, { sizeBytes: tenGiB }),
    },
    { name: 'ours, dense, layout cached', filesPerRound: 100, create: dense },
    { name: 'open, write the dense bytes, close', filesPerRound: 100, create: writeSameBytes },
    { name: 'open, close', filesPerRound: 100, create: (path) => closeSync(openSync(path, 'wx', 0o600)) },
    {
      name: 'spawn qemu-img create',
      filesPerRound: 20,
      create: (path) =>
        once(spawn('qemu-img', [...create, path, String(tenGiB)], { stdio: 'ignore' }), 'close'),
    },
    {
      name: 'execa qemu-img create',
      filesPerRound: 20,
      create: (path) => execa('qemu-img', [...create, path, String(tenGiB)]),
    },
  ]
}

function writeSameBytes(path: string): void {
  const fd = openSync(path, 'wx', 0o600)
  writeSync(fd, qemuImgBytes)
  closeSync(fd)
}
