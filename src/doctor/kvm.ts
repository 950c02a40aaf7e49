/** KVM: whether guests run at the speed of this machine, and if not, which of the usual reasons it is. */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { type Arch, hostArch } from '../arch.js'
import { systemErrorCode } from '../errors.js'
import { whenReadable } from '../store/readable.js'
import type { Check, Finding } from './check.js'

export interface KvmFacts {
  readonly platform: string
  readonly host: Arch
  readonly guest: Arch
  /** What opening /dev/kvm gave: `'open'`, or the system's error code. */
  readonly device: string
  /** Name, or number, of the group of /dev/kvm. */
  readonly group: string | undefined
  /** Flags of the first processor; empty where there are none. */
  readonly flags: readonly string[]
  /** Whether a file shows that this runs in a container, where devices have to be passed in. */
  readonly isContainer: boolean
}

export const kvmCheck: Check = { topic: 'KVM', find: ({ context }) => [judgeKvm(lookAtKvm(context.arch))] }

export function judgeKvm(facts: KvmFacts): Finding {
  const { platform, host, guest, device, group } = facts
  const slow = 'guests are emulated, some 10 times slower'
  if (platform !== 'linux') {
    return {
      level: 'note',
      text: `KVM is Linux's; on ${platform} QEMU has -accel hvf for guests of this machine's kind`,
    }
  }
  if (family(host) !== family(guest)) {
    return { level: 'note', text: `KVM runs ${host} guests here, and images are for ${guest}: ${slow}` }
  }
  if (device === 'open') return { level: 'ok', text: '/dev/kvm can be used' }
  if (device === 'EACCES' || device === 'EPERM') {
    return {
      level: 'note',
      text: `/dev/kvm is there, and this user may not open it (${device}; its group is ${group ?? 'not known'}): ${slow}`,
      cure: facts.isContainer
        ? 'start the container with --device /dev/kvm --group-add $(stat -c %g /dev/kvm)'
        : `sudo usermod -aG ${group ?? 'kvm'} "$USER", and log in again; on a CI runner: sudo chmod 666 /dev/kvm`,
    }
  }
  if (device !== 'ENOENT')
    return {
      level: 'note',
      text: `/dev/kvm cannot be opened (${device}): ${slow}`,
      cure: 'sudo dmesg | grep -i kvm',
    }
  return { level: 'note', ...missing(facts, slow) }
}

function missing({ host, flags, isContainer }: KvmFacts, slow: string): Pick<Finding, 'text' | 'cure'> {
  if (isContainer) {
    return {
      text: `there is no /dev/kvm in this container: ${slow}`,
      cure: 'start the container with --device /dev/kvm',
    }
  }
  const isX86 = family(host) === 'x86'
  if (isX86 && !flags.includes('vmx') && !flags.includes('svm')) {
    return flags.includes('hypervisor')
      ? {
          text: `there is no /dev/kvm, as this virtual machine's processor has neither vmx nor svm: nested virtualisation is off on its host; ${slow}`,
          cure: 'on the host: options kvm_intel nested=1 (or kvm_amd) in /etc/modprobe.d/, and -cpu host for this machine; in a cloud, choose a kind of machine that has it',
        }
      : {
          text: `there is no /dev/kvm, as the processor shows neither vmx nor svm: ${slow}`,
          cure: 'turn virtualisation on in the firmware (Intel VT-x, AMD SVM)',
        }
  }
  const module = flags.includes('svm') ? 'kvm_amd' : 'kvm_intel'
  return {
    text: `there is no /dev/kvm, and the processor could: the module is not loaded; ${slow}`,
    cure: `sudo modprobe ${isX86 ? module : 'kvm'}`,
  }
}

function family(arch: Arch): string {
  return arch.startsWith('x86') || arch === 'i686' ? 'x86' : arch
}

function lookAtKvm(guest: Arch): KvmFacts {
  return {
    platform: process.platform,
    host: hostArch(),
    guest,
    device: openDevice(),
    group: whenReadable(() => groupName(statSync('/dev/kvm').gid)),
    flags: flagsOf(whenReadable(() => readFileSync('/proc/cpuinfo', 'utf8')) ?? ''),
    isContainer: ['/.dockerenv', '/run/.containerenv'].some(
      (file) => statSync(file, { throwIfNoEntry: false }) !== undefined,
    ),
  }
}

/** The only proof: modes, access lists, groups and security modules all have a say. */
function openDevice(): string {
  try {
    closeSync(openSync('/dev/kvm', 'r+'))
    return 'open'
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    return code
  }
}

function groupName(gid: number): string {
  const lines = whenReadable(() => readFileSync('/etc/group', 'utf8'))?.split('\n') ?? []
  const line = lines.map((text) => text.split(':')).find((fields) => fields[2] === String(gid))
  return line?.[0] ?? String(gid)
}

function flagsOf(cpuInfo: string): readonly string[] {
  return /^flags\s*:\s*(.*)$/m.exec(cpuInfo)?.[1]?.split(' ') ?? []
}
