/**
 * Kali Linux, generic cloud images, by OffSec.
 *
 * Sources: https://kali.download/cloud-images/ (names seen 2026-07 to 2026-10, SHA256SUMS in scripts that use it). A
 * rolling system with four snapshots a year; old ones leave the mirrors, and `current/` is the newest under a name that
 * moves. A tar with one raw disk inside.
 * Signed: SHA256SUMS.gpg on cdimage.kali.org, by the archive's keys of 2025 and before; for cloud images not proved.
 */
import { defineProvider } from './provider.js'

export const kali = defineProvider({
  name: 'kali',
  aliases: ['kali-linux'],
  displayName: 'Kali Linux',
  homepage: 'https://www.kali.org/get-kali/#kali-cloud',
  coverage: 'the newest',
  versionsUrl: 'https://kali.download/cloud-images/',
  versionPattern: /kali-(?<version>\d{4}\.\d[a-z]?)/,
  imagesUrl: 'https://kali.download/cloud-images/kali-{version}/',
  imagePattern: /kali-linux-(?<version>\d{4}\.\d[a-z]?)-cloud-genericcloud-(?<arch>amd64|arm64)\.tar\.xz/,
  archNames: { x86_64: 'amd64', aarch64: 'arm64' },
  checksumFiles: ['SHA256SUMS'],
  signatures: [
    {
      form: 'checksums',
      file: '{checksums}.gpg',
      fingerprints: ['827C8569F2518CC677FECA1AED65462EC8D5E4C5', '44C6513A8E4FB3D30875F758ED444FF07D8D0BF6'],
      keyUrls: ['https://archive.kali.org/archive-key.asc'],
      mayLack: 'signature',
    },
  ],
  format: 'raw',
  user: 'kali',
  experimental:
    'what lies inside its archives, and whether their checksums are signed, was never seen first hand.',
})
