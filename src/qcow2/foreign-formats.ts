/**
 * Formats that are neither qcow2 nor raw, told by their magic bytes. A file of one of them would pass as a raw disk
 * whose first sectors mean nothing to a guest, so it is refused by name.
 *
 * Disk formats as `qemu-img` probes them (QEMU 7.2, the `*_probe` functions in block/), and a fixed VHD, whose magic
 * stands only at the end and which qemu-img takes for raw. Compressed files by their formats' specifications.
 */
interface ForeignFormat {
  /** As people know it. */
  readonly name: string
  readonly magic: Buffer
  /** Where the magic stands: an offset from the start of the file, or the file's last 512 bytes. */
  readonly at: number | 'last 512 bytes'
  /** A command that makes a qcow2 or raw file of it, with OLD and NEW for the files. */
  readonly remedy: string
}

/** `conectix`, the mark of VHD; a qcow2 file that ends in it is two formats at once. */
export const vhdMagic = Buffer.from('conectix')

export const foreignFormats: readonly ForeignFormat[] = [
  disk('VMware disk (vmdk)', 'vmdk', 'KDMV'),
  disk('VMware disk (vmdk)', 'vmdk', 'COWD'),
  disk('VMware disk (vmdk)', 'vmdk', '# Disk DescriptorFile'),
  disk('Hyper-V disk (vhdx)', 'vhdx', 'vhdxfile'),
  disk('VirtualBox disk (vdi)', 'vdi', Buffer.from('7f10dabe', 'hex'), 64),
  disk('Virtual PC disk (vhd)', 'vpc', vhdMagic),
  disk('Virtual PC disk (vhd)', 'vpc', vhdMagic, 'last 512 bytes'),
  disk('QED disk', 'qed', 'QED\0'),
  disk('LUKS encrypted disk', 'luks', Buffer.from('4c554b53babe', 'hex')),
  disk('Parallels disk', 'parallels', 'WithoutFreeSpace'),
  disk('Parallels disk', 'parallels', 'WithouFreSpacExt'),
  compressed('gzip', '1f8b', 'gzip -dc OLD > NEW'),
  compressed('xz', 'fd377a585a00', 'xz -dc OLD > NEW'),
  compressed('zstd', '28b52ffd', 'zstd -dc OLD > NEW'),
  compressed('bzip2', '425a68', 'bzip2 -dc OLD > NEW'),
]

/** The format whose magic is in the start (`head`) or the last 512 bytes (`tail`) of a file. */
export function findForeignFormat(head: Buffer, tail: Buffer): ForeignFormat | undefined {
  return foreignFormats.find(({ magic, at }) =>
    at === 'last 512 bytes' ? hasAt(tail, magic, 0) : hasAt(head, magic, at),
  )
}

/** Whether `magic` stands at `offset`; false when the bytes end before it. */
export function hasAt(bytes: Buffer, magic: Buffer, offset: number): boolean {
  return bytes.subarray(offset, offset + magic.length).equals(magic)
}

function disk(
  name: string,
  driver: string,
  magic: string | Buffer,
  at: ForeignFormat['at'] = 0,
): ForeignFormat {
  const remedy = `qemu-img convert -f ${driver} -O qcow2 OLD NEW`
  return { name, magic: Buffer.from(magic), at, remedy }
}

function compressed(name: string, magicHex: string, remedy: string): ForeignFormat {
  return { name: `${name} file`, magic: Buffer.from(magicHex, 'hex'), at: 0, remedy }
}
