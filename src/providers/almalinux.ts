/**
 * AlmaLinux, by the AlmaLinux OS Foundation.
 *
 * Sources: https://repo.almalinux.org/almalinux/ (CHECKSUM of 9 seen 2026-07-17, names and digests of lima's templates
 * 2026-08), https://vault.almalinux.org/9.4/cloud/. A minor release moves to the vault when the next one is out, and
 * its directory stays behind. `9/` is the newest minor under a name that moves: only minors are looked into. Builds
 * may have a suffix, 20260526 and 20260526.0. 10 has images for older processors, too: x86_64_v2.
 * Signed: CHECKSUM.asc, by the key of the major release; 8 had another key until 2024-01.
 */
import type { Signature } from './definition.js'
import { defineProvider } from './provider.js'

const minor = /(?<version>\d+\.\d+)/

export const almalinux = defineProvider({
  name: 'almalinux',
  displayName: 'AlmaLinux',
  aliases: ['alma'],
  homepage: 'https://almalinux.org/',
  coverage: '8 and later',
  sources: [
    {
      versionsUrl: 'https://repo.almalinux.org/almalinux/',
      versionPattern: minor,
      imagesUrl: 'https://repo.almalinux.org/almalinux/{version}/cloud/{arch}/images/',
    },
    {
      versionsUrl: 'https://vault.almalinux.org/',
      versionPattern: minor,
      imagesUrl: 'https://vault.almalinux.org/{version}/cloud/{arch}/images/',
      isArchive: true,
    },
  ],
  imagePattern:
    /AlmaLinux-\d+-(?<variant>GenericCloud(?:-ext4)?)-(?<version>\d+\.\d+)-(?<build>\d{8}(?:\.\d+)?)\.(?<arch>\w+)\.qcow2/,
  archNames: {
    x86_64: 'x86_64',
    x86_64_v2: 'x86_64_v2',
    aarch64: 'aarch64',
    ppc64le: 'ppc64le',
    s390x: 's390x',
  },
  variants: [{ name: 'GenericCloud' }, { name: 'GenericCloud-ext4' }],
  checksumFiles: ['CHECKSUM'],
  signatures: [
    signedBy('>=8 <9', '8', [
      'BC5EDDCADF502C077F1582882AE81E8ACED7258B',
      '5E9B8F5617B5066CE92057C3488FCF7C3ABB34F8',
    ]),
    signedBy('>=9 <10', '9', ['BF18AC2876178908D6E71267D36CB86CB86B3716']),
    signedBy('>=10', '10', ['EE6DB7B98F5BF5EDD9DA0DE5DEE5C11CC2A1E572']),
  ],
  user: 'almalinux',
  firmware: ['bios', 'uefi'],
})

function signedBy(versions: string, major: string, fingerprints: readonly string[]): Signature {
  return {
    versions,
    form: 'checksums',
    file: '{checksums}.asc',
    fingerprints,
    keyrings: [`/usr/share/distribution-gpg-keys/alma/RPM-GPG-KEY-AlmaLinux-${major}`],
    keyUrls: [`https://repo.almalinux.org/almalinux/RPM-GPG-KEY-AlmaLinux-${major}`],
  }
}
