/**
 * Flatcar Container Linux for QEMU, by the Flatcar project.
 *
 * Sources: https://stable.release.flatcar-linux.net/amd64-usr/ (names seen 2026-08), "Running on QEMU" and "Verify images"
 * of https://www.flatcar.org/docs/latest/. Each channel is a host; files have the same names in all versions, and
 * `current/` moves. Versions that only have `.img.bz2` are not offered. It is set up by Ignition, not by cloud-init.
 * Signed: each image, by a subkey of the buildbot's key that is new every year; `.DIGESTS` has md5, sha1 and sha512.
 */
import { defineProvider } from './provider.js'

const channel = 'https://{variant}.release.flatcar-linux.net/{arch}/'
const site = { versionsUrl: channel, imagesUrl: `${channel}{version}/` }

export const flatcar = defineProvider({
  name: 'flatcar',
  displayName: 'Flatcar Container Linux',
  aliases: ['flatcar-linux'],
  homepage: 'https://www.flatcar.org/releases',
  coverage: 'those with an unpacked image',
  sources: [
    { ...site, arches: ['x86_64'], imagePattern: 'flatcar_production_qemu_image.img' },
    { ...site, arches: ['aarch64'], imagePattern: 'flatcar_production_qemu_uefi_image.img' },
  ],
  imagePattern: /flatcar_production_qemu(?:_uefi)?_image\.img/,
  archNames: { x86_64: 'amd64-usr', aarch64: 'arm64-usr' },
  variants: [{ name: 'stable' }, { name: 'beta' }, { name: 'alpha' }, { name: 'lts' }],
  checksumFiles: ['{file}.DIGESTS'],
  signatures: [
    {
      form: 'image',
      file: '{file}.sig',
      fingerprints: ['F88CFEDEFF29A5B4D9523864E25D9AED0593B34A'],
      keyUrls: ['https://www.flatcar.org/security/image-signing-key/Flatcar_Image_Signing_Key.asc'],
    },
  ],
  user: 'core',
  firmware: ['bios', 'uefi'],
  experimental: 'Its listings and the form of its digests were read about, and not seen.',
})
