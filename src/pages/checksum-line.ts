/** One line of a checksum file: GNU (`hash  name`, `hash *name`) or BSD (`SHA256 (name) = hash`). */
export interface ChecksumLine {
  /** Without the `./` that `find` puts before it. */
  readonly name: string
  /** The algorithm that a BSD line names. */
  readonly label: string | undefined
  readonly hex: string
}

/** Undefined for any other line. */
export function parseChecksumLine(line: string): ChecksumLine | undefined {
  const [, label, bsdName, bsdHex] = /^([\w/-]+) \((.+)\)\s*=\s*([0-9a-f]+)$/i.exec(line) ?? []
  const [, gnuHex, gnuName] = /^([0-9a-f]{32,})[ \t]+\*?(\S.*)$/i.exec(line) ?? []
  const name = bsdName ?? gnuName
  const hex = bsdHex ?? gnuHex
  return name === undefined || hex === undefined ? undefined : { name: name.replace(/^\.\//, ''), label, hex }
}
