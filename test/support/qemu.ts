/**
 * QEMU's own programs, the judges of the images that we write. install-qemu.ts has seen to it that they are there.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execFileAsync = promisify(execFile)
/** Below the time limit of a test, so that its error is about the program. */
const timeoutMs = 25_000

/** Runs qemu-img; resolves to what it printed, rejects when it fails. */
export async function qemuImg(...args: readonly string[]): Promise<string> {
  return run('qemu-img', args)
}

/** Runs commands of qemu-io (`read -P 0xaa 0 4096`) on a qcow2 image; rejects when one fails or data differ. */
export async function qemuIo(image: string, ...commands: readonly string[]): Promise<void> {
  const printed = await run('qemu-io', [
    '-f',
    'qcow2',
    ...commands.flatMap((command) => ['-c', command]),
    image,
  ])
  // Some versions end with 0 all the same.
  if (/pattern verification failed|error/i.test(printed)) throw new Error(printed)
}

/** Boots a PC with an emulated CPU from the disk that `args` describe; resolves to the text of its serial port. */
export async function bootGuest(...args: readonly string[]): Promise<string> {
  const machine = [
    '-accel',
    'tcg',
    '-m',
    '64',
    '-nodefaults',
    '-display',
    'none',
    '-nic',
    'none',
    '-no-reboot',
  ]
  return run('qemu-system-x86_64', [...machine, '-serial', 'stdio', ...args])
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const pending = execFileAsync(program, [...args], {
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    env: { ...process.env, LC_ALL: 'C' },
  })
  // Nobody types anything to a guest.
  pending.child.stdin?.end()
  const { stdout } = await pending
  return stdout
}
