/** A disk of a guest that counts how often it was booted, opened through the cache as any other; and machines for it. */
import { bootCounterDisk, greeting } from '../../fixtures/images/boot-counter.js'
import { qcow2Of } from '../../fixtures/images/small-qcow2.js'
import { openVmImage, type OpenOptions } from '../../src/image/open.js'
import type { VmImage } from '../../src/image/vm-image.js'
import type { ReportEvent } from '../../src/report.js'
import { type Qmp, startQmp } from '../qcow2/qmp.js'
import { acme, startPublisher } from '../support/publisher.js'
import { bootGuest } from '../support/qemu.js'

export interface CountingDisk extends AsyncDisposable {
  readonly image: VmImage
  readonly directory: string
  readonly options: OpenOptions
  /** What was reported since it was opened. */
  readonly events: ReportEvent[]
}

export async function openCountingDisk(options: OpenOptions = {}): Promise<CountingDisk> {
  const publisher = await startPublisher({ '1': qcow2Of(bootCounterDisk()) })
  const events: ReportEvent[] = []
  const all = { ...publisher.options, ...options, report: (event: ReportEvent) => void events.push(event) }
  const image = await openVmImage({ provider: acme }, all)
  events.length = 0
  return {
    image,
    directory: publisher.directory,
    options: all,
    events,
    async [Symbol.asyncDispose]() {
      await image.dispose()
      await publisher[Symbol.asyncDispose]()
    },
  }
}

/** Boots the disk as `image.launch` says; how often it was booted now. */
export async function countOf({ launch }: Pick<VmImage, 'launch'>): Promise<number> {
  return numberIn(await bootGuest(...launch.args, '-device', `virtio-blk-pci,drive=${launch.node}`))
}

/** Boots the disk as most people name it: by the name of its file. */
export async function countOfFile(path: string): Promise<number> {
  return numberIn(await bootGuest('-drive', `file=${path},format=qcow2,if=virtio`))
}

function numberIn(text: string): number {
  if (!text.startsWith(greeting)) throw new Error(`The guest said: ${text}`)
  return Number(text.slice(greeting.length))
}

/** A machine that has the disk open and is paused. */
export function startMachine(...drive: readonly string[]): Promise<Qmp> {
  const quiet = ['-S', '-accel', 'tcg', '-m', '32', '-nodefaults', '-display', 'none', '-nic', 'none']
  return startQmp('qemu-system-x86_64', [...quiet, ...drive, '-qmp', 'stdio'])
}

export function machineOf({ launch }: Pick<VmImage, 'launch'>): Promise<Qmp> {
  return startMachine(...launch.args, '-device', `virtio-blk-pci,drive=${launch.node}`)
}
