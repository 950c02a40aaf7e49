/**
 * Debian's daily builds of every codename, testing and sid among them, by the Debian Cloud Team.
 *
 * Sources: https://cloud.debian.org/images/cloud/trixie/daily/ (index and SHA512SUMS seen 2026-07), names of sid as the
 * Cloud Team's tools write them. Builds are kept for about four months. sid has no number; it is newer than all.
 * Unsigned: their page points to TLS and DNSSEC.
 */
import { debian } from './debian.js'
import { defineProvider } from './provider.js'

const cloud = 'https://cloud.debian.org/images/cloud/'

export const debianDaily = defineProvider({
  name: 'debian-daily',
  displayName: 'Debian daily',
  homepage: cloud,
  coverage: 'those in support, the next, and sid',
  versionsUrl: cloud,
  versionPattern: '{codename}',
  buildsUrl: `${cloud}{codename}/daily/`,
  imagesUrl: `${cloud}{codename}/daily/{build}/`,
  mirrors: ['https://cdimage.debian.org/images/cloud/'],
  imagePattern: [
    { pattern: 'debian-{version}-{variant}-{arch}-daily-{build}.qcow2' },
    { pattern: 'debian-{codename}-{variant}-{arch}-daily-{build}.qcow2' },
  ],
  archNames: debian.archNames,
  codenames: { '11': 'bullseye', '12': 'bookworm', '13': 'trixie', '14': 'forky', sid: 'sid' },
  versionNames: { ...debian.versionNames, testing: '14', unstable: 'sid' },
  versionOrder: ['*', 'sid'],
  variants: [
    { name: 'genericcloud', arches: ['x86_64', 'aarch64'] },
    { name: 'generic' },
    { name: 'nocloud' },
  ],
  checksumFiles: ['SHA512SUMS'],
  user: 'debian',
  firmware: ['bios', 'uefi'],
})
