/**
 * Debian's official cloud images, by the Debian Cloud Team.
 *
 * Sources: https://cloud.debian.org/images/cloud/ (indexes seen 2025-05 and 2026-09), SHA512SUMS of trixie (2026-07).
 * Release builds are kept; a codename without a release has only daily/ builds, which are not offered here.
 * `nocloud` means without cloud-init (and root without a password), not the NoCloud datasource.
 * Unsigned: their page points to TLS and DNSSEC.
 */
import { defineProvider } from './provider.js'

export const debian = defineProvider({
  name: 'debian',
  aliases: ['debian-cloud'],
  homepage: 'https://cloud.debian.org/images/cloud/',
  versionsUrl: 'https://cloud.debian.org/images/cloud/',
  versionPattern: '{codename}',
  buildsUrl: 'https://cloud.debian.org/images/cloud/{codename}/',
  imagesUrl: 'https://cloud.debian.org/images/cloud/{codename}/{build}/',
  mirrors: ['https://cdimage.debian.org/images/cloud/'],
  imagePattern: 'debian-{version}-{variant}-{arch}-{build}.qcow2',
  archNames: { x86_64: 'amd64', aarch64: 'arm64', ppc64le: 'ppc64el', riscv64: 'riscv64' },
  codenames: { '10': 'buster', '11': 'bullseye', '12': 'bookworm', '13': 'trixie', '14': 'forky' },
  variants: [
    { name: 'genericcloud', arches: ['x86_64', 'aarch64'] },
    { name: 'generic' },
    { name: 'nocloud' },
  ],
  checksumFiles: ['SHA512SUMS'],
  user: 'debian',
})
