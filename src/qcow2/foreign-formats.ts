/**
 * Formats that are neither qcow2 nor raw, told by their marks. A file of one of them would pass as a raw disk whose
 * first sectors mean nothing to a guest, and a program that guesses formats would follow the files that it names: it
 * is refused by name.
 *
 * Disk formats as `qemu-img` probes them (QEMU 7.2, the `*_probe` functions in block/), wider where that is simpler:
 * a mark is enough here, whatever the version behind it. Two are told by their last 512 bytes, which QEMU does not
 * look at: a fixed VHD, which it takes for raw, and DMG, which it knows by the name of the file only. Compressed files
 * by their formats' specifications.
 */
interface ForeignFormat {
  /** As people know it. */
  readonly name: string
  /** What to do about it, as a sentence; OLD and NEW stand for the files. */
  readonly cure: string
  /** Whether a file is of this format, by its start (512 bytes or more of it, unless it is shorter) and its last 512. */
  readonly matches: (head: Buffer, tail: Buffer) => boolean
}

/** What QEMU's probes see of a file. */
const probedBytes = 512

/** The text form of VMDK: the version, after nothing but comments and lines of blanks. An empty line is none of these. */
const vmdkText = /^(?:#[^\n]*\n| +\r?\n)*version=[123]\r?\n/

const foreignFormats: readonly ForeignFormat[] = [
  disk('VMware disk (vmdk)', 'vmdk', startsWith('KDMV')),
  disk('VMware disk (vmdk)', 'vmdk', startsWith('COWD')),
  disk('VMware disk (vmdk)', 'vmdk', startsWith('# Disk DescriptorFile')),
  disk('VMware disk (vmdk)', 'vmdk', (head) => vmdkText.test(head.toString('latin1', 0, probedBytes))),
  disk('Hyper-V disk (vhdx)', 'vhdx', startsWith('vhdxfile')),
  disk('VirtualBox disk (vdi)', 'vdi', startsWith(Buffer.from('7f10dabe', 'hex'), 64)),
  disk('Virtual PC disk (vhd)', 'vpc', startsWith('conectix')),
  disk('Virtual PC disk (vhd)', 'vpc', endsWith('conectix')),
  disk('Apple disk (dmg)', 'dmg', endsWith('koly')),
  disk('QED disk', 'qed', startsWith('QED\0')),
  disk('LUKS encrypted disk', 'luks', startsWith(Buffer.from('4c554b53babe', 'hex'))),
  disk('Parallels disk', 'parallels', startsWith('WithoutFreeSpace')),
  disk('Parallels disk', 'parallels', startsWith('WithouFreSpacExt')),
  disk('Bochs disk', 'bochs', startsWith('Bochs Virtual HD Image')),
  disk('compressed loop disk (cloop)', 'cloop', startsWith('#!/bin/sh\n#V2.0 Format\n')),
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
  return { name, cure, matches }
}

function compressed(name: string, magicHex: string, command: string): ForeignFormat {
  const matches = startsWith(Buffer.from(magicHex, 'hex'))
  return { name: `${name} file`, cure: `Make a base of it: ${command}`, matches }
}
