/** What is said of a request that means nothing: the error shows every valid form. */
import { isRegExp } from 'node:util/types'
import { VmImageError } from '../errors.js'

export function invalidRequest(what: string, found: unknown, wanted: string): VmImageError {
  const shown = isRegExp(found) ? String(found) : JSON.stringify(found)
  return new VmImageError(
    'INVALID_REQUEST',
    `Cannot read ${what} ${shown}: expected ${wanted}.\n` +
      'Valid: "fedora", "fedora:41", "debian:trixie", "fedora:>=40 <43", "https://host/disk.qcow2", "./disk.qcow2", ' +
      'or { name, version, build, arch, variant, checksum, size }, { url, checksum }, { path }.',
  )
}
