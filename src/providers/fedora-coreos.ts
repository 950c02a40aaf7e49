/**
 * Fedora CoreOS, by the Fedora Project. It has no cloud-init: Ignition sets it up.
 *
 * Sources: https://builds.coreos.fedoraproject.org/streams/stable.json (2026-07-21), the same files in
 * https://github.com/coreos/fedora-coreos-streams. Each stream's document names its newest build only; older builds
 * stay at their addresses, but no list leads there. The document's sha256 is of the compressed file.
 * Signed: each image has a detached signature by the key of the Fedora release that it is made of.
 */
import { signedByRelease } from './fedora-keys.js'
import { defineProvider } from './provider.js'

const disk = '/architectures/{arch}/artifacts/qemu/formats/qcow2.xz/disk'

export const fedoraCoreos = defineProvider({
  name: 'fedora-coreos',
  displayName: 'Fedora CoreOS',
  aliases: ['fcos'],
  homepage: 'https://fedoraproject.org/coreos/',
  coverage: 'the newest of each stream',
  imagesUrl: 'https://builds.coreos.fedoraproject.org/streams/{variant}.json',
  document: { image: `${disk}/location`, digest: `${disk}/sha256` },
  imagePattern: 'fedora-coreos-{version}-qemu.{arch}.qcow2.xz',
  archNames: { x86_64: 'x86_64', aarch64: 'aarch64', ppc64le: 'ppc64le', s390x: 's390x' },
  variants: [{ name: 'stable' }, { name: 'testing' }, { name: 'next' }],
  signatures: signedByRelease({ form: 'image', file: '{file}.sig' }),
  user: 'core',
})
