/** The table of internal snapshots (docs/interop/qcow2.txt, section "Snapshots"), as much of it as was read. */
export interface Snapshot {
  readonly id: string
  readonly name: string
  /** When it was taken, in seconds since 1970. */
  readonly takenAtSeconds: number
  /** Memory of the machine that it holds; 0 when it is of the disk only. */
  readonly vmStateBytes: number
}

const fixedBytes = 40

/** The whole entries in `bytes`, at most `count`. */
export function parseSnapshots(bytes: Buffer, count: number): readonly Snapshot[] {
  const snapshots: Snapshot[] = []
  let at = 0
  while (snapshots.length < count && at + fixedBytes <= bytes.length) {
    const idBytes = bytes.readUInt16BE(at + 12)
    const nameBytes = bytes.readUInt16BE(at + 14)
    const idAt = at + fixedBytes + bytes.readUInt32BE(at + 36)
    const end = idAt + idBytes + nameBytes
    if (end > bytes.length) break
    snapshots.push({
      id: bytes.toString('utf8', idAt, idAt + idBytes),
      name: bytes.toString('utf8', idAt + idBytes, end),
      takenAtSeconds: bytes.readUInt32BE(at + 16),
      vmStateBytes: bytes.readUInt32BE(at + 32),
    })
    at = Math.ceil(end / 8) * 8
  }
  return snapshots
}
