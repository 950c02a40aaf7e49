/**
 * Rocky Linux, by the Rocky Enterprise Software Foundation.
 *
 * Sources: https://dl.rockylinux.org/pub/rocky/ (names and digests of lima's templates 2026-08, a CHECKSUM of 9 seen
 * 2026-07-17), https://dl.rockylinux.org/vault/rocky/8.9/images/, https://github.com/rocky-linux/checksums (2025-12).
 * A minor release moves to the vault, and its directory stays behind. `10/` does not always have the images of the
 * newest minor: only minors are looked into. Each image also has a name with `latest`.
 * Signed: the CHECKSUM beside each image, by the key of the major release; for 9 not always.
 */
import type { Signature } from './definition.js'
import { defineProvider } from './provider.js'

const minor = /(?<version>\d+\.\d+)/

export const rocky = defineProvider({
  name: 'rocky',
  displayName: 'Rocky Linux',
  aliases: ['rockylinux', 'rocky-linux'],
  homepage: 'https://rockylinux.org/',
  coverage: '8 and later',
  sources: [
    {
      versionsUrl: 'https://dl.rockylinux.org/pub/rocky/',
      versionPattern: minor,
      imagesUrl: 'https://dl.rockylinux.org/pub/rocky/{version}/images/{arch}/',
      mirrors: ['https://download.rockylinux.org/pub/rocky/'],
    },
    {
      versionsUrl: 'https://dl.rockylinux.org/vault/rocky/',
      versionPattern: minor,
      imagesUrl: 'https://dl.rockylinux.org/vault/rocky/{version}/images/{arch}/',
      isArchive: true,
    },
  ],
  imagePattern:
    /Rocky-\d+-GenericCloud-(?<variant>Base|LVM)-(?<version>\d+\.\d+)-(?<build>\d{8}\.\d+)\.(?<arch>\w+)\.qcow2/,
  archNames: {
    x86_64: 'x86_64',
    aarch64: 'aarch64',
    ppc64le: 'ppc64le',
    s390x: 's390x',
    riscv64: 'riscv64',
  },
  variants: [{ name: 'Base' }, { name: 'LVM' }],
  checksumFiles: ['{file}.CHECKSUM', 'CHECKSUM'],
  signatures: [
    signedBy('>=8 <9', '8', '7051C470A929F454CEBE37B715AF5DAC6D745A60'),
    { ...signedBy('>=9 <10', '9', '21CB256AE16FC54C6E652949702D426D350D275D'), isOptional: true },
    signedBy('>=10', '10', 'FC226859C0860BF0DDB95B085B106C736FEDFC85'),
  ],
  user: 'rocky',
  firmware: ['bios', 'uefi'],
})

function signedBy(versions: string, major: string, fingerprint: string): Signature {
  return {
    versions,
    form: 'checksums',
    file: '{checksums}.asc',
    fingerprints: [fingerprint],
    keyrings: [`/usr/share/distribution-gpg-keys/rocky/RPM-GPG-KEY-Rocky-${major}`],
    keyUrls: [`https://dl.rockylinux.org/pub/rocky/RPM-GPG-KEY-Rocky-${major}`],
  }
}
