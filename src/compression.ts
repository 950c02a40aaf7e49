/** How a file is packed, told by the end of its name: the one thing that a publisher's file name is believed for. */
export type Packing = (typeof suffixes)[number]

export type Compression = 'none' | Packing

/** The longer ones first: they end in shorter ones. */
const suffixes = ['tar.xz', 'tar.gz', 'xz', 'gz', 'zst', 'bz2'] as const

/** `disk.qcow2.xz` is `'xz'`, `disk.tar.xz` is `'tar.xz'`; what ends otherwise is not packed. */
export function compressionOf(fileName: string): Compression {
  const name = fileName.toLowerCase()
  return suffixes.find((suffix) => name.endsWith(`.${suffix}`)) ?? 'none'
}

/** The name that the file has when it is unpacked. */
export function unpackedName(fileName: string): string {
  const compression = compressionOf(fileName)
  return compression === 'none' ? fileName : fileName.slice(0, -compression.length - 1)
}

export function isPacking(value: unknown): value is Packing {
  return suffixes.some((suffix) => suffix === value)
}
