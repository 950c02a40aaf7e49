/**
 * Ubuntu Server cloud images, released serials, by Canonical.
 *
 * Sources: https://cloud-images.ubuntu.com/releases/ (SHA256SUMS of 24.04 seen 2026-07, a daily index 2025-04). Each
 * release has a directory under its version and one under its codename with the same content; `release/` is the
 * newest serial under a name that moves. Serials of an LTS are kept, an interim release keeps its last. Files are
 * qcow2 whatever their suffix.
 * Signed: SHA256SUMS.gpg, by the UEC Image Automatic Signing Key.
 */
import { defineProvider } from './provider.js'

export const ubuntu = defineProvider({
  name: 'ubuntu',
  aliases: ['ubuntu-server'],
  homepage: 'https://cloud-images.ubuntu.com/',
  versionsUrl: 'https://cloud-images.ubuntu.com/releases/',
  buildsUrl: 'https://cloud-images.ubuntu.com/releases/{version}/',
  buildPattern: 'release-{build}',
  imagesUrl: 'https://cloud-images.ubuntu.com/releases/{version}/release-{build}/',
  imagePattern: [
    { versions: '>=16.10', pattern: 'ubuntu-{version}-server-cloudimg-{arch}.img' },
    { versions: '<16.10', pattern: 'ubuntu-{version}-server-cloudimg-{arch}-disk1.img' },
  ],
  archNames: {
    x86_64: 'amd64',
    x86_64_v3: 'amd64v3',
    i686: 'i386',
    aarch64: 'arm64',
    armv7l: 'armhf',
    ppc64le: 'ppc64el',
    s390x: 's390x',
    riscv64: 'riscv64',
  },
  codenames: {
    '14.04': 'trusty',
    '16.04': 'xenial',
    '18.04': 'bionic',
    '19.10': 'eoan',
    '20.04': 'focal',
    '22.04': 'jammy',
    '24.04': 'noble',
    '24.10': 'oracular',
    '25.04': 'plucky',
    '25.10': 'questing',
    '26.04': 'resolute',
    '26.10': 'stonking',
  },
  checksumFiles: ['SHA256SUMS'],
  user: 'ubuntu',
})
