import { expect, test } from 'vitest'
import { readPinned, type PinnedRequest, writePinned } from '../../src/image/pinned-request.js'
import { pinKey } from '../../src/image/pins.js'
import { type ImageInput, parseRequest, requestKey } from '../../src/request/request.js'

const checksum = `sha256:${'ab'.repeat(32)}`
const url = 'https://example.org/disk.qcow2'

test.each<[ImageInput, PinnedRequest, string]>([
  ['fedora', 'fedora', 'fedora x86_64'],
  ['Fedora-Cloud', 'fedora', 'fedora x86_64'],
  ['fedora:latest', 'fedora', 'fedora x86_64'],
  ['fedora:41', 'fedora:41', 'fedora:41 x86_64'],
  [{ name: 'fedora', version: '>=40  <43', size: '20G' }, 'fedora:>=40 <43', 'fedora:>=40 <43 x86_64'],
  [{ name: 'fedora', arch: 'arm64' }, 'fedora', 'fedora aarch64'],
  [{ name: 'fedora', version: /4[12]/i }, { name: 'fedora', version: '/4[12]/i' }, 'fedora:/4[12]/i x86_64'],
  [
    { name: 'debian', version: 13, variant: 'generic', build: /2026\/?.*/, checksum },
    { name: 'debian:13', variant: 'generic', build: String.raw`/2026\/?.*/`, checksum },
    String.raw`debian:13 generic build /2026\/?.*/ x86_64`,
  ],
  [url, url, url],
  [
    { url, format: 'raw', minimumTrust: 'unverified' },
    { url, format: 'raw', minimumTrust: 'unverified' },
    `${url} raw`,
  ],
])('%j is written as %j under %j, and read as the same request', (input, written, key) => {
  const request = parseRequest(input)
  if (request.kind === 'file') throw new TypeError('Files are not pinned.')
  const pinned = writePinned(request)
  expect(pinned).toEqual(written)
  expect(pinKey(request, 'x86_64')).toBe(key)
  const again = readPinned(JSON.parse(JSON.stringify(pinned)) as PinnedRequest, request.arch) // just written
  expect(requestKey(again, 'x86_64')).toBe(requestKey(request, 'x86_64'))
  expect(again.minimumTrust).toBe(request.minimumTrust)
})
