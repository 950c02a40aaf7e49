/** Programs of the system: none is needed for the usual image, each for something. */
import type { Arch } from '../arch.js'
import { VmImageError } from '../errors.js'
import { runProgram } from '../program.js'
import type { Check, Finding } from './check.js'

interface Program {
  readonly name: string
  readonly use: string
  /** Of Debian and Ubuntu. */
  readonly aptPackage: string
}

export interface FoundProgram extends Program {
  /** The first line of what it says of itself; undefined when it is not installed. */
  readonly version: string | undefined
  /** Why it does not run although it is there. */
  readonly failure?: string | undefined
}

export const programsCheck: Check = {
  topic: 'programs',
  find: async ({ context }) => {
    const programs = programsFor(context.arch)
    const found = await Promise.all(programs.map((program) => lookAt(program, context.signal)))
    return found.map(judgeProgram)
  },
}

export function judgeProgram({ name, use, aptPackage, version, failure }: FoundProgram): Finding {
  if (failure !== undefined) {
    return {
      level: 'problem',
      text: `${name} does not run: ${failure}`,
      cure: `sudo apt install --reinstall ${aptPackage}`,
    }
  }
  if (version !== undefined) return { level: 'ok', text: `${name}: ${version}` }
  return { level: 'note', text: `${name} is not installed: ${use}`, cure: `sudo apt install ${aptPackage}` }
}

/** QEMU's name and Debian's package of what runs guests of an architecture. */
const emulators: Readonly<Record<Arch, readonly [string, string]>> = {
  x86_64: ['x86_64', 'qemu-system-x86'],
  x86_64_v2: ['x86_64', 'qemu-system-x86'],
  x86_64_v3: ['x86_64', 'qemu-system-x86'],
  i686: ['i386', 'qemu-system-x86'],
  aarch64: ['aarch64', 'qemu-system-arm'],
  armv7l: ['arm', 'qemu-system-arm'],
  ppc64le: ['ppc64', 'qemu-system-ppc'],
  ppc64: ['ppc64', 'qemu-system-ppc'],
  powerpc: ['ppc', 'qemu-system-ppc'],
  s390x: ['s390x', 'qemu-system-s390x'],
  riscv64: ['riscv64', 'qemu-system-riscv'],
  loongarch64: ['loongarch64', 'qemu-system-misc'],
}

export function programsFor(arch: Arch): readonly Program[] {
  const [emulator, emulatorPackage] = emulators[arch]
  return [
    {
      name: `qemu-system-${emulator}`,
      use: 'boots the disks; vmimage itself does not',
      aptPackage: emulatorPackage,
    },
    {
      name: 'qemu-img',
      use: 'looks at disks and converts them; vmimage itself does not',
      aptPackage: 'qemu-utils',
    },
    { name: 'xz', use: '.xz images are unpacked without it, 1.4 times slower', aptPackage: 'xz-utils' },
    { name: 'zstd', use: '.zst images need it', aptPackage: 'zstd' },
    { name: 'bzip2', use: '.bz2 images need it', aptPackage: 'bzip2' },
    {
      name: 'gpgv',
      use: 'signatures of openSUSE need it, else its images count as "checksum"',
      aptPackage: 'gpgv',
    },
  ]
}

async function lookAt(program: Program, signal: AbortSignal): Promise<FoundProgram> {
  try {
    const running = runProgram(program.name, ['--version'], { stdin: nothing(), signal })
    let said = ''
    let step = await running.next()
    for (; !step.done; step = await running.next()) said += step.value.toString('utf8')
    // bzip2 says it on its standard error.
    const version = `${said}\n${step.value}`.trim().split('\n')[0]?.slice(0, 100)
    return { ...program, version: version ?? '' }
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    if (error.code === 'TOOL_MISSING') return { ...program, version: undefined }
    return { ...program, version: undefined, failure: error.message.replaceAll(/\s*\n\s*/g, ' ') }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A program that reads its input anyway finds its end.
}
