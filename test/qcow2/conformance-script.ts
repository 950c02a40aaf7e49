/** Random writes, zeroes and discards at the edges of clusters, of the base and of the disk: the same for the same seed. */
import { createHash } from 'node:crypto'

const sector = 512
const cluster = 65_536
const sizes = [sector, 2048, 4096, cluster - sector, cluster, cluster + sector, 3 * cluster]

/** Commands for qemu-io on a disk of `diskBytes` over a base of `baseBytes`. */
export function randomScript(
  seed: string,
  { diskBytes, baseBytes }: { readonly diskBytes: number; readonly baseBytes: number },
  commands = 12,
): readonly string[] {
  const random = numbers(seed)
  const edges = [0, cluster, 8 * cluster, baseBytes, diskBytes, Math.floor(diskBytes / 2)]
  return Array.from({ length: commands }, () => {
    const edge = pick(random, edges)
    const away = pick(random, [-cluster, -4096, -sector, 0, 0, sector, 2048, cluster])
    const start = Math.max(0, Math.min(diskBytes - sector, edge + away))
    const at = start - (start % sector)
    const bytes = Math.min(pick(random, sizes), diskBytes - at)
    const value = 1 + Math.floor(random() * 255)
    return `${pick(random, [`write -P ${value}`, `write -P ${value}`, 'write -z', 'write -z -u', 'discard'])} ${at} ${bytes}`
  })
}

/** Numbers from 0 to 1 that follow from the seed. */
function numbers(seed: string): () => number {
  const bytes = createHash('shake256', { outputLength: 65_536 }).update(seed).digest()
  let at = 0
  return () => {
    at = (at + 4) % bytes.length
    return bytes.readUInt32BE(at) / 2 ** 32
  }
}

function pick<Value>(random: () => number, values: readonly Value[]): Value {
  const value = values[Math.floor(random() * values.length)]
  if (value === undefined) throw new TypeError('There is nothing to pick from.')
  return value
}
