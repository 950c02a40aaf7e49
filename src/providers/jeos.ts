/**
 * JeOS, a small Fedora 27 for the tests of the Avocado framework, by the Avocado project.
 *
 * Sources: https://avocado-project.org/data/assets/jeos/ (index seen 2017, named by Avocado's own tool in 2026). The
 * names call x86_64 `64`.
 * Unsigned, and there is no checksum at all: an image is what its server says.
 */
import { defineProvider } from './provider.js'

export const jeos = defineProvider({
  name: 'jeos',
  displayName: 'JeOS',
  aliases: ['avocado-jeos'],
  homepage: 'https://avocado-project.org/',
  coverage: '27',
  versionsUrl: 'https://avocado-project.org/data/assets/jeos/',
  imagesUrl: 'https://avocado-project.org/data/assets/jeos/{version}/',
  imagePattern: 'jeos-{version}-{arch}.qcow2.xz',
  archNames: { x86_64: '64' },
  checksumFiles: [],
  trust: 'unverified',
  experimental:
    'its one image is of 2017, nobody vouches for it, and whether it is still served was not seen since 2021.',
})
