/**
 * Ubuntu Minimal cloud images, released serials, by Canonical: smaller, without what people need at a terminal.
 *
 * Sources: https://cloud-images.ubuntu.com/minimal/releases/ (names and digests seen 2026-08). Directories carry the
 * codename, files the version; `release/` is the newest serial under a name that moves.
 * Signed: SHA256SUMS.gpg, as Ubuntu Server.
 */
import { defineProvider } from './provider.js'
import { ubuntu } from './ubuntu.js'
import { ubuntuCodenames } from './ubuntu-codenames.js'

const releases = 'https://cloud-images.ubuntu.com/minimal/releases/'

export const ubuntuMinimal = defineProvider({
  name: 'ubuntu-minimal',
  displayName: 'Ubuntu Minimal',
  homepage: 'https://cloud-images.ubuntu.com/minimal/',
  coverage: '16.04 and later',
  versionsUrl: releases,
  versionPattern: '{codename}',
  buildsUrl: `${releases}{codename}/`,
  buildPattern: 'release-{build}',
  imagesUrl: `${releases}{codename}/release-{build}/`,
  imagePattern: [
    { versions: '>=16.10', pattern: 'ubuntu-{version}-minimal-cloudimg-{arch}.img' },
    { versions: '<16.10', pattern: 'ubuntu-{version}-minimal-cloudimg-{arch}-disk1.img' },
  ],
  archNames: { x86_64: 'amd64', aarch64: 'arm64' },
  codenames: ubuntuCodenames,
  versionNames: ubuntu.versionNames,
  checksumFiles: ubuntu.checksumFiles,
  signatures: ubuntu.signatures,
  user: ubuntu.user,
  firmware: ubuntu.firmware,
})
