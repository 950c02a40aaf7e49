/**
 * Vitest's global setup: QEMU's tools and gpgv are there before the first test, or no test runs at all. They are installed
 * through apt where this user may do that; elsewhere the run fails with the command to type. Nothing is ever skipped.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The programs that the tests run, each with the Debian package that has it. */
const packages = {
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'qemu-storage-daemon': 'qemu-system-common',
  'qemu-system-x86_64': 'qemu-system-x86',
  gpgv: 'gpgv',
} as const

// -q: whole lines instead of a bar that is drawn over and over.
const update = ['apt-get', '-q', 'update']
const install = [
  'apt-get',
  '-q',
  'install',
  '-y',
  '--no-install-recommends',
  ...new Set(Object.values(packages)),
]
const tenMinutesMs = 600_000

export function setup(): void {
  const missing = findMissing()
  if (missing.length === 0) return
  console.log(`Programs that the tests need are missing: ${missing.join(', ')}.`)
  const asRoot = findRootPrefix()
  if (!asRoot || !isInstalled('apt-get')) throw new Error(instruction(missing))
  for (const command of [update, install]) run([...asRoot, ...command], missing)
  const stillMissing = findMissing()
  if (stillMissing.length > 0) throw new Error(instruction(stillMissing))
  console.log('They are installed.')
}

function findMissing(): string[] {
  return Object.keys(packages).filter((program) => !isInstalled(program))
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      // Not in this directory.
      return false
    }
  })
}

/** What to put before a command that root has to run; undefined when this user may not run it. */
function findRootPrefix(): string[] | undefined {
  if (process.getuid?.() === 0) return []
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined
}

function run(command: readonly string[], missing: readonly string[]): void {
  console.log(`Running: ${command.join(' ')}`)
  const [program = '', ...args] = command
  const { status, error } = spawnSync(program, args, {
    // Standard input is closed: a question of apt's is an error and no endless wait.
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: tenMinutesMs,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0)
    throw new Error(`"${command.join(' ')}" failed. ${instruction(missing)}`, { cause: error })
}

function instruction(missing: readonly string[]): string {
  return (
    `The tests need ${missing.join(', ')}, and could not install them.\n` +
    `Type: sudo ${update.join(' ')} && sudo ${install.join(' ')}\n` +
    'On other systems install QEMU with its x86_64 machine and its disk tools, and GnuPG; and see that they are in PATH.'
  )
}
