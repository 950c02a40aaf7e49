import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { fetchCommand, inputText } from '../../src/image/request-text.js'
import { type ImageInput, parseRequest } from '../../src/request/request.js'

test.each<[ImageInput, readonly string[]]>([
  ['fedora', ['fedora']],
  ['fedora:41', ['fedora:41']],
  [{ name: 'fedora', version: '>=40 <43' }, ['fedora:>=40 <43']],
  [
    { name: 'debian', variant: 'generic', build: '20260712-2537', arch: 'arm64' },
    ['--arch', 'aarch64', '--variant', 'generic', '--build', '20260712-2537', 'debian'],
  ],
  ["https://example.org/it's.qcow2", ["https://example.org/it's.qcow2"]],
])('the command for %j is one that a shell understands', (input, words) => {
  const command = fetchCommand(parseRequest(input), 'x86_64', 'x86_64')
  const read = execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' })
  expect(read.trimEnd().split('\n')).toEqual(['npx', 'vmimage', 'fetch', ...words])
})

test('names the architecture that the options ask for', () => {
  expect(fetchCommand(parseRequest('fedora'), 'aarch64', 'x86_64')).toBe(
    'npx vmimage fetch --arch aarch64 fedora',
  )
})

test.each<[ImageInput, string]>([
  ['fedora:41', "'fedora:41'"],
  [{ name: 'fedora', version: '>=40 <43' }, "'fedora:>=40 <43'"],
  ["https://example.org/it's.qcow2", '"https://example.org/it\'s.qcow2"'],
  [
    { name: 'debian', version: 13, variant: 'generic', arch: 'arm64' },
    "{ name: 'debian:13', variant: 'generic', arch: 'aarch64' }",
  ],
  [
    { path: '/disk.qcow2', checksum: `sha256:${'0'.repeat(64)}` },
    `{ path: '/disk.qcow2', checksum: 'sha256:${'0'.repeat(64)}' }`,
  ],
])('%j is written as %s', (input, text) => {
  expect(inputText(parseRequest(input))).toBe(text)
})
