/**
 * Ubuntu Server cloud images, released serials, by Canonical.
 *
 * Sources: https://cloud-images.ubuntu.com/releases/ (SHA256SUMS of 24.04 seen 2026-07, a daily index 2025-04), names
 * of 16.04 and 18.04 seen 2019-11. Each release has a directory under its version and one under its codename with the
 * same content; `release/` is the newest serial under a name that moves. Serials of an LTS are kept, an interim release
 * keeps its last. Files are qcow2 whatever their suffix; up to 16.04 those of arm64 are told apart by their firmware.
 * Signed: SHA256SUMS.gpg (armoured), by the UEC Image Automatic Signing Key (verified 2026-07).
 */
import type { Site } from './definition.js'
import { defineProvider } from './provider.js'
import { ubuntuCodenames } from './ubuntu-codenames.js'

const releases: Site = {
  versionsUrl: 'https://cloud-images.ubuntu.com/releases/',
  buildsUrl: 'https://cloud-images.ubuntu.com/releases/{version}/',
  buildPattern: 'release-{build}',
  imagesUrl: 'https://cloud-images.ubuntu.com/releases/{version}/release-{build}/',
}

export const ubuntu = defineProvider({
  name: 'ubuntu',
  aliases: ['ubuntu-server', 'ubuntu-release'],
  homepage: 'https://cloud-images.ubuntu.com/',
  coverage: '14.04 and later',
  sources: [
    releases,
    // Up to 16.04.
    { ...releases, arches: ['aarch64'], imagePattern: 'ubuntu-{version}-server-cloudimg-{arch}-uefi1.img' },
  ],
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
  codenames: ubuntuCodenames,
  // The newest until April 2028. There is no `devel`: its version changes every half year.
  versionNames: { lts: '26.04' },
  checksumFiles: ['SHA256SUMS'],
  signatures: [
    {
      form: 'checksums',
      file: '{checksums}.gpg',
      fingerprints: ['D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81'],
      keyUrls: [
        'https://keyserver.ubuntu.com/pks/lookup?op=get&search=0xD2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81',
      ],
      keyrings: ['/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg'],
    },
  ],
  user: 'ubuntu',
  firmware: ['bios', 'uefi'],
})
