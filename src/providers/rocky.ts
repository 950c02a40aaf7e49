/**
 * Rocky Linux, by the Rocky Enterprise Software Foundation.
 *
 * Sources: https://dl.rockylinux.org/pub/rocky/ (names and digests of lima's templates 2026-08, a CHECKSUM of 9 seen
 * 2026-07-17), https://dl.rockylinux.org/vault/rocky/ (names of 8.4 to 8.9 and 9.0, 2021 to 2026),
 * https://github.com/rocky-linux/checksums (2025-12). A minor release moves to the vault, and its directory stays
 * behind. `10/` does not always have the images of the newest minor: only minors are looked into. Each image also has a
 * name with `latest`. 8.4 to 8.6 have all architectures in one directory, and their names, like those of 9.0, say no
 * kind: there was no LVM.
 * Signed: the CHECKSUM beside each image, by the key of the major release; for 9 not always. Up to 8.6 there is one
 * CHECKSUM for all, with a CHECKSUM.sig, which was announced for 8.5 and not seen of the others.
 */
import type { Signature } from './definition.js'
import { defineProvider } from './provider.js'

const minor = /(?<version>\d+\.\d+)/
const keyOf8 = '7051C470A929F454CEBE37B715AF5DAC6D745A60'

export const rocky = defineProvider({
  name: 'rocky',
  displayName: 'Rocky Linux',
  aliases: ['rockylinux', 'rocky-linux'],
  homepage: 'https://rockylinux.org/',
  coverage: '8.4 and later',
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
    {
      versionsUrl: 'https://dl.rockylinux.org/vault/rocky/',
      versionPattern: /(?<version>8\.[4-6])/,
      imagesUrl: 'https://dl.rockylinux.org/vault/rocky/{version}/images/',
      arches: ['x86_64', 'aarch64'],
      isArchive: true,
    },
  ],
  imagePattern: [
    {
      pattern:
        /Rocky-\d+-GenericCloud-(?<variant>Base|LVM)-(?<version>\d+\.\d+)-(?<build>\d{8}\.\d+)\.(?<arch>\w+)\.qcow2/,
    },
    {
      versions: '<9.1',
      // In 8.6 a dot stands before the build.
      pattern:
        /Rocky-\d+-GenericCloud-(?<version>\d+\.\d+)[-.](?<build>\d{8}(?:\.\d+)?)\.(?<arch>\w+)\.qcow2/,
    },
  ],
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
    { ...signedBy('<8.7', '8', keyOf8), file: '{checksums}.sig', mayLack: 'signature' },
    signedBy('>=8.7 <9', '8', keyOf8),
    { ...signedBy('>=9 <10', '9', '21CB256AE16FC54C6E652949702D426D350D275D'), mayLack: 'signature' },
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
