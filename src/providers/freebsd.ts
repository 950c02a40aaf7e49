/**
 * FreeBSD's images for virtual machines, by the FreeBSD Release Engineering Team.
 *
 * Sources: https://download.freebsd.org/releases/VM-IMAGES/ (names seen 2026-10 for 15.1), the archive
 * http://ftp-archive.freebsd.org/pub/FreeBSD-Archive/old-releases/VM-IMAGES/ (2026-08; it has plain http only, and the
 * current releases as well), https://www.freebsd.org/releases/15.1R/checksums/ (2026-06, and those of 12.2 to 15.0).
 * Signed: the checksum files of the web site are clear-signed, those beside the images are not; by Glen Barber up to
 * 13.2, by Colin Percival from 13.3 and 14.1. Those of 14.0 were signed in November 2023 with a key of Glen Barber's
 * that had expired in September, and count as unsigned.
 * Directories and files have other words for the same architecture. File systems are in the names from 14.0, cloud-init
 * from 14.1, with a dot in 14.2. Names without a file system are ufs: up to 13 the only one, from 14 once more (but in
 * 14.1, whose ufs without cloud-init is not offered). Without cloud-init, root has no password.
 */
import type { Signature } from './definition.js'
import { defineProvider } from './provider.js'

const download = 'https://download.freebsd.org/releases/VM-IMAGES/'
const archive = 'http://ftp-archive.freebsd.org/pub/FreeBSD-Archive/old-releases/VM-IMAGES/'
const barber = signer('gjb', '78B342BA26C7B2AC681EA7BE524F0C37A0B946A3')
const percival = signer('cperciva', '82563B84D0620EDC0DFB86413897F2E22E65AD3F')

export const freebsd = defineProvider({
  name: 'freebsd',
  displayName: 'FreeBSD',
  homepage: 'https://www.freebsd.org/where/',
  coverage: '12.2 and later',
  sources: [download, archive].map((root) => ({
    versionsUrl: root,
    versionPattern: '{version}-RELEASE',
    imagesUrl: `${root}{version}-RELEASE/{arch}/Latest/`,
    isArchive: root === archive,
  })),
  imagePattern: [
    { versions: '>=14', pattern: 'FreeBSD-{version}-RELEASE-{arch}-{variant}.qcow2.xz' },
    { versions: '<14', pattern: 'FreeBSD-{version}-RELEASE-{arch}.qcow2.xz' },
  ],
  archNames: { x86_64: 'amd64', i686: 'i386', aarch64: 'arm64-aarch64', riscv64: 'riscv-riscv64' },
  archDirectories: { x86_64: 'amd64', i686: 'i386', aarch64: 'aarch64', riscv64: 'riscv64' },
  variants: [
    { name: 'BASIC-CLOUDINIT.ufs', versions: '>=14.2 <14.3' },
    { name: 'BASIC-CLOUDINIT-ufs', versions: '>=14.1' },
    { name: 'ufs' },
    { name: 'zfs' },
    { name: 'BASIC-CLOUDINIT.zfs' },
    { name: 'BASIC-CLOUDINIT-zfs' },
  ],
  checksumFiles: [
    'https://www.freebsd.org/releases/{version}R/checksums/CHECKSUM.SHA256-FreeBSD-{version}-RELEASE-{arch}-vm.asc',
  ],
  signatures: [
    { ...barber, versions: '<13.3' },
    { ...percival, versions: '>=13.3 <14' },
    { ...percival, versions: '>=14.1' },
  ],
  user: 'freebsd',
  firmware: ['bios', 'uefi'],
})

/** The project's file has the keys of all committers. */
function signer(committer: string, fingerprint: string): Signature {
  return {
    form: 'clear-signed',
    fingerprints: [fingerprint],
    keyrings: [`/usr/share/distribution-gpg-keys/freebsd/${committer}.key`],
    keyUrls: [
      'https://docs.freebsd.org/pgpkeys/pgpkeys.txt',
      `https://keyserver.ubuntu.com/pks/lookup?op=get&search=0x${fingerprint}`,
    ],
  }
}
