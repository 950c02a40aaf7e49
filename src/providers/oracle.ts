/**
 * Oracle Linux, by Oracle.
 *
 * Sources: https://yum.oracle.com/oracle-linux-templates.html, the documents behind it as
 * https://github.com/lima-vm/lima reads them (2026-08). Each document names the newest update of its major release;
 * older ones stay at their addresses, but no list leads there.
 * The update stands apart from the release in a name, `OL9U8`, so that 9.8 can be read from none: the version is 9,
 * and the build, which counts on through all updates, tells them apart.
 * Unsigned. Images for x86_64 do not boot with UEFI.
 */
import { defineProvider } from './provider.js'

const templates = 'https://yum.oracle.com/templates/OracleLinux/'
const releases = {
  versions: ['8', '9', '10'],
  document: { image: '/kvm/image', base: '/base_url', digest: '/kvm/sha256' },
}

export const oracle = defineProvider({
  name: 'oracle',
  displayName: 'Oracle Linux',
  aliases: ['oraclelinux', 'oracle-linux', 'ol'],
  homepage: 'https://yum.oracle.com/oracle-linux-templates.html',
  coverage: '8, 9, 10: the newest update of each',
  sources: [
    { ...releases, imagesUrl: `${templates}ol{version}-template.json`, arches: ['x86_64'] },
    { ...releases, imagesUrl: `${templates}ol{version}_aarch64-cloud-template.json`, arches: ['aarch64'] },
  ],
  imagePattern: /OL(?<version>\d+)U\d+_(?<arch>x86_64|aarch64)-kvm(?:-cloud)?-b(?<build>\d+)\.qcow2/,
  archNames: { x86_64: 'x86_64', aarch64: 'aarch64' },
  user: 'cloud-user',
  firmware: ['bios'],
})
