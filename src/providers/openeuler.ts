/**
 * openEuler, by the OpenAtom Foundation.
 *
 * Sources: https://repo.openeuler.org/ (index described 2026-07-26; images of 22.03-LTS-SP4 to 24.03-LTS-SP4 in others'
 * catalogues, 2026). Service packs of an old release come out after newer releases. Beside the releases lie other
 * products, openEuler-22.03-LTS-64kb and openEuler-Embedded-26.03.
 * Unsigned. Login is by a documented password of root.
 */
import { defineProvider } from './provider.js'

const version = String.raw`(?<version>\d{2}\.\d{2}(?:-LTS(?:-SP\d+)?)?)`

export const openeuler = defineProvider({
  name: 'openeuler',
  displayName: 'openEuler',
  homepage: 'https://www.openeuler.org/',
  coverage: '20.03-LTS and later',
  versionsUrl: 'https://repo.openeuler.org/',
  versionPattern: new RegExp(`openEuler-${version}`),
  imagesUrl: 'https://repo.openeuler.org/openEuler-{version}/virtual_machine_img/{arch}/',
  imagePattern: new RegExp(
    String.raw`openEuler-${version}-(?<arch>x86_64|aarch64|riscv64|loongarch64)\.qcow2\.xz`,
  ),
  archNames: { x86_64: 'x86_64', aarch64: 'aarch64', riscv64: 'riscv64', loongarch64: 'loongarch64' },
  versionOrder: [
    '20.*',
    '21.*',
    '22.*',
    '23.*',
    '24.03-LTS',
    '24.03-LTS-SP1',
    '24.09',
    '25.03',
    '24.03-LTS-SP2',
    '25.09',
    '24.03-LTS-SP3',
    '24.03-LTS-SP4',
  ],
  checksumFiles: ['{file}.sha256sum'],
  user: 'root',
  experimental: 'cloud-init is not switched on in its images, and no checksum file of it was seen.',
})
