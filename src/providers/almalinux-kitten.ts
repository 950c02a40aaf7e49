/**
 * AlmaLinux OS Kitten, the preview of what becomes AlmaLinux, by the AlmaLinux OS Foundation.
 *
 * Sources: https://kitten.repo.almalinux.org/10-kitten/cloud/ (names and digests of lima's templates, 2026-08).
 * Not every build is made for every architecture. Whether its checksums are signed, and with which key, is not known.
 */
import { defineProvider } from './provider.js'

export const almalinuxKitten = defineProvider({
  name: 'almalinux-kitten',
  displayName: 'AlmaLinux Kitten',
  aliases: ['kitten'],
  homepage: 'https://wiki.almalinux.org/development/almalinux-os-kitten-10.html',
  coverage: '10 and later',
  versionsUrl: 'https://kitten.repo.almalinux.org/',
  versionPattern: '{version}-kitten',
  imagesUrl: 'https://kitten.repo.almalinux.org/{version}-kitten/cloud/{arch}/images/',
  imagePattern: 'AlmaLinux-Kitten-GenericCloud-{version}-{build}.{arch}.qcow2',
  archNames: {
    x86_64: 'x86_64',
    x86_64_v2: 'x86_64_v2',
    aarch64: 'aarch64',
    ppc64le: 'ppc64le',
    s390x: 's390x',
    riscv64: 'riscv64',
  },
  checksumFiles: ['CHECKSUM'],
  user: 'almalinux',
  firmware: ['bios', 'uefi'],
  experimental: 'It is a preview that is not meant for use, and its signatures are not known.',
})
