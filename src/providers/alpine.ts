/**
 * Alpine Linux's cloud images, by its cloud team.
 *
 * Sources: https://dl-cdn.alpinelinux.org/alpine/v3.24/releases/cloud/ (names of 3.24.2 seen 2026-10), the same of 3.20
 * to 3.23 (2024 to 2026), https://alpinelinux.org/cloud/. A branch has the images of all its releases in one directory,
 * and since 3.24.2 they have other names, without a cloud and a firmware in them. `cloudinit` has cloud-init, `tiny` has
 * tiny-cloud; `-metal` and `-vm` are other images.
 * Signed: each image, with the key of its maintainer, tomalok; the `.sha512` beside it, a bare hash, is not.
 */
import { defineProvider } from './provider.js'

const oldNames =
  /nocloud_alpine-(?<version>\d+\.\d+\.\d+)-(?<arch>x86_64|aarch64)-(?:(?<=x86_64-)bios|(?<=aarch64-)uefi)-(?<variant>cloudinit|tiny)-r(?<build>\d+)\.qcow2/

export const alpine = defineProvider({
  name: 'alpine',
  displayName: 'Alpine Linux',
  aliases: ['alpinelinux', 'alpine-linux'],
  homepage: 'https://alpinelinux.org/cloud/',
  coverage: '3.20 and later',
  versionsUrl: 'https://dl-cdn.alpinelinux.org/alpine/',
  versionPattern: 'v{version}',
  imagesUrl: 'https://dl-cdn.alpinelinux.org/alpine/v{version}/releases/cloud/',
  imagePattern: [
    { versions: '>=3.24.2', pattern: 'alpine-{version}-{arch}-{variant}-r{build}.qcow2' },
    { versions: '<3.24.2', pattern: oldNames },
  ],
  archNames: { x86_64: 'x86_64', aarch64: 'aarch64' },
  variants: [{ name: 'cloudinit' }, { name: 'tiny' }],
  checksumFiles: ['{file}.sha512'],
  signatures: [
    {
      form: 'image',
      file: '{file}.asc',
      fingerprints: ['F26ADFADBAE702EF7AF637459DA7EF23BFFCDF22'],
      keyUrls: ['https://alpinelinux.org/keys/tomalok.asc'],
    },
  ],
  user: 'alpine',
  firmware: ['bios', 'uefi'],
})
