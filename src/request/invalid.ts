/** What is said of a request that means nothing: the error shows the valid forms. */
import { VmImageError } from '../errors.js'

/** `what` is the request itself, or the field that is wrong. */
export function invalidRequest(what: string, found: unknown, wanted: string): VmImageError {
  const shown = typeof found === 'string' || Array.isArray(found) ? JSON.stringify(found) : String(found)
  const forms =
    what === 'image request'
      ? '"fedora", "fedora:41", "debian:trixie", "fedora:>=40 <43", "https://host/disk.qcow2", "./disk.qcow2", ' +
        'or { name, version, build, arch, variant, checksum, size }, { url, checksum }, { path }'
      : '{ name: "fedora", version: "41", arch: "aarch64", size: "20G" }, { url, checksum }, { path, format: "raw" }'
  return new VmImageError(
    'INVALID_REQUEST',
    `Cannot read ${what} ${shown}: expected ${wanted}.\nValid: ${forms}.`,
  )
}
