/**
 * The command that boots a kept disk, for people to paste. One line per architecture; serial console, because cloud
 * images talk there, and user-mode network, because that needs no rights.
 *
 * Sources: QEMU's "System Emulation" manual, pages "virt" (aarch64, riscv64), "pseries", "s390 virtio", seen 2026-11.
 */

/** What QEMU needs to be told beyond the disk. Names of firmware are those that QEMU ships in its data directory. */
const machines: Readonly<Record<string, string>> = {
  x86_64: 'qemu-system-x86_64 -accel kvm -accel tcg -cpu max',
  x86_64_v2: 'qemu-system-x86_64 -accel kvm -accel tcg -cpu max',
  x86_64_v3: 'qemu-system-x86_64 -accel kvm -accel tcg -cpu max',
  i686: 'qemu-system-i386 -accel kvm -accel tcg -cpu max',
  aarch64: 'qemu-system-aarch64 -machine virt -accel kvm -accel tcg -cpu max -bios edk2-aarch64-code.fd',
  armv7l: 'qemu-system-arm -machine virt -cpu max -bios edk2-arm-code.fd',
  ppc64le: 'qemu-system-ppc64 -machine pseries',
  ppc64: 'qemu-system-ppc64 -machine pseries',
  powerpc: 'qemu-system-ppc',
  s390x: 'qemu-system-s390x -machine s390-ccw-virtio',
  riscv64: 'qemu-system-riscv64 -machine virt',
  loongarch64: 'qemu-system-loongarch64 -machine virt -bios edk2-loongarch64-code.fd',
}

export interface BootOptions {
  /** True: the guest's writes go to a temporary file, because nothing may write to the disk. Default false. */
  readonly isFrozen?: boolean | undefined
}

/** A shell command line that boots the qcow2 file `path` of a guest of `arch`. */
export function bootCommand(arch: string, path: string, { isFrozen = false }: BootOptions = {}): string {
  const machine = Object.hasOwn(machines, arch) ? machines[arch] : `qemu-system-${quote(arch)}`
  const drive = `if=virtio,format=qcow2,file=${path.replaceAll(',', ',,')}${isFrozen ? ',snapshot=on' : ''}`
  return `${machine} -m 2048 -nographic -nic user -drive ${quote(drive)}`
}

/** For a POSIX shell; left bare where nothing in it is special, since people read this. */
function quote(text: string): string {
  return /^[\w=,./:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
