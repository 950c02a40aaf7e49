/**
 * Architectures, by the names that Linux's `uname -m` gives them. Publishers call the same machine amd64, x86_64 or
 * x64; a request may use any of these, and each provider says which one its files carry.
 */
import { VmImageError } from './errors.js'

const aliases = {
  x86_64: ['amd64', 'x64', 'x86-64'],
  x86_64_v2: ['amd64v2', 'x86-64-v2'],
  x86_64_v3: ['amd64v3', 'x86-64-v3'],
  i686: ['i386', 'i586', 'x86', 'ia32', '386'],
  aarch64: ['arm64', 'armv8', 'arm64-aarch64'],
  armv7l: ['armhf', 'armv7', 'armv7hl', 'arm'],
  ppc64le: ['ppc64el', 'powerpc64le'],
  ppc64: ['powerpc64'],
  powerpc: ['ppc'],
  s390x: [],
  riscv64: ['riscv', 'riscv-riscv64'],
  loongarch64: ['loong64'],
} as const

export type Arch = keyof typeof aliases

/** Every architecture known, in the order in which they are listed to people. */
export const arches = Object.keys(aliases).filter(isArch)

/**
 * The architecture that a name stands for; letter case does not matter.
 *
 * @throws VmImageError UNKNOWN_ARCH for a name that is none of ours and no alias.
 */
export function parseArch(text: string): Arch {
  const arch = findArch(text)
  if (arch) return arch
  throw new VmImageError(
    'UNKNOWN_ARCH',
    `Cannot use architecture "${text}": it is not a name that vmimage knows.\n` +
      `Known: ${arches.map((name) => [name, ...aliases[name]].join(' = ')).join('; ')}.`,
  )
}

/** Like {@link parseArch}, with undefined for an unknown name. */
export function findArch(text: string): Arch | undefined {
  const name = text.toLowerCase()
  return arches.find((arch) => arch === name || aliases[arch].some((alias) => alias === name))
}

/** The architecture of this process (Node's `process.arch` in Linux's words). */
export function hostArch(): Arch {
  return process.arch === 'ppc64' ? 'ppc64le' : parseArch(process.arch)
}

function isArch(name: string): name is Arch {
  return Object.hasOwn(aliases, name)
}
