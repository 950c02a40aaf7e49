/**
 * Formats that are neither qcow2 nor raw, told by their marks. A file of one of them would pass as a raw disk whose
 * first sectors mean nothing to a guest, and a program that guesses formats would follow the files that it names: it
 * is refused by name.
 *
 * Disk formats as `qemu-img` probes them (QEMU 7.2, the `*_probe` functions in block/), wider where that is simpler:
 * a mark is enough here, whatever the version behind it. Two are told by their last 512 bytes, which QEMU does not
 * look at: a fixed VHD, which it takes for raw, and DMG, which it knows by the name of the file only. CDs and compressed
 * files by their formats' specifications (ECMA-119 8.1, ECMA-167 2/9.1).
 */
export interface ForeignFormat {
  /** In one word. */
  readonly format: string
  /** As people know it. */
  readonly name: string
  /** What to do about it, as a sentence; OLD and NEW stand for the files. */
  readonly cure: string
  /** Whether a file is of this format, by its start (34 KiB or more of it, unless it is shorter) and its last 512. */
  readonly matches: (head: Buffer, tail: Buffer) => boolean
}

/** What QEMU's probes see of a file. */
const probedBytes = 512

/** The text form of VMDK: the version, after nothing but comments and lines of blanks. An empty line is none of these. */
const vmdkText = /^(?:#[^\n]*\n| +\r?\n)*version=[123]\r?\n/

/** Where a CD or DVD says what it is, after 16 sectors that are left to boot programs. */
export const isoMarkOffset = 0x8001
export const isoMarks = ['CD001', 'BEA01', 'NSR02', 'NSR03'].map((mark) => Buffer.from(mark))

const foreignFormats: readonly ForeignFormat[] = [
  disk('VMware disk (vmdk)', 'vmdk', startsWith('KDMV')),
  disk('VMware disk (vmdk)', 'vmdk', startsWith('COWD')),
  disk('VMware disk (vmdk)', 'vmdk', startsWith('# Disk DescriptorFile')),
  disk('VMware disk (vmdk)', 'vmdk', (head) => vmdkText.test(head.toString('latin1', 0, probedBytes))),
  disk('Hyper-V disk (vhdx)', 'vhdx', startsWith('vhdxfile')),
  disk('VirtualBox disk (vdi)', 'vdi', startsWith(Buffer.from('7f10dabe', 'hex'), 64)),
  disk('Virtual PC disk (vhd)', 'vpc', startsWith('conectix')),
  disk('Virtual PC disk (vhd)', 'vpc', endsWith('conectix')),
  // Virtual PC before 2004: its footer has 511 bytes.
  disk('Virtual PC disk (vhd)', 'vpc', (_, tail) => hasAt(tail, Buffer.from('conectix'), 1)),
  disk('Apple disk (dmg)', 'dmg', endsWith('koly')),
  disk('QED disk', 'qed', startsWith('QED\0')),
  disk('LUKS encrypted disk', 'luks', startsWith(Buffer.from('4c554b53babe', 'hex'))),
  disk('Parallels disk', 'parallels', startsWith('WithoutFreeSpace')),
  disk('Parallels disk', 'parallels', startsWith('WithouFreSpacExt')),
  disk('Bochs disk', 'bochs', startsWith('Bochs Virtual HD Image')),
  disk('compressed loop disk (cloop)', 'cloop', startsWith('#!/bin/sh\n#V2.0 Format\n')),
  {
    format: 'iso',
    name: 'CD image (iso)',
    cure: 'Give it to the guest as a CD (-cdrom FILE) beside a disk: what is written to a CD is lost.',
    matches: (head) => isoMarks.some((mark) => hasAt(head, mark, isoMarkOffset)),
  },
  compressed('gzip', '1f8b', 'gzip -dc OLD > NEW'),
  compressed('xz', 'fd377a585a00', 'xz -dc OLD > NEW'),
  compressed('zstd', '28b52ffd', 'zstd -dc OLD > NEW'),
  compressed('bzip2', '425a68', 'bzip2 -dc OLD > NEW'),
]

/** The format whose mark is in the start (`head`) or the last 512 bytes (`tail`) of a file. */
export function findForeignFormat(head: Buffer, tail: Buffer): ForeignFormat | undefined {
  return foreignFormats.find(({ matches }) => matches(head, tail))
}

/** Whether `mark` stands at `offset`; false when the bytes end before it. */
export function hasAt(bytes: Buffer, mark: Buffer, offset: number): boolean {
  return bytes.subarray(offset, offset + mark.length).equals(mark)
}

function startsWith(text: string | Buffer, offset = 0): ForeignFormat['matches'] {
  const mark = Buffer.from(text)
  return (head) => hasAt(head, mark, offset)
}

function endsWith(text: string): ForeignFormat['matches'] {
  const mark = Buffer.from(text)
  return (_, tail) => hasAt(tail, mark, 0)
}

/** A disk may name other files as its parent or its data (vmdk, vhdx, qed), and qemu-img copies what is in them. */
function disk(name: string, driver: string, matches: ForeignFormat['matches']): ForeignFormat {
  const cure = `If you trust the file and all that it names, make a base of it: qemu-img convert -f ${driver} -O qcow2 OLD NEW`
  return { format: driver === 'vpc' ? 'vhd' : driver, name, cure, matches }
}

function compressed(name: string, magicHex: string, command: string): ForeignFormat {
  const matches = startsWith(Buffer.from(magicHex, 'hex'))
  return { format: name, name: `${name} file`, cure: `Make a base of it: ${command}`, matches }
}
