import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { fetchCommand } from '../../src/image/fetch-command.js'
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
