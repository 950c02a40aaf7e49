import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { diskFullError, isDiskFull } from '../src/disk-full.js'
import { image, sha256 } from './support/downloading.js'
import { startMirror } from './support/mirror.js'
import { tempDir } from './support/temp-dir.js'

test.each([
  ['ENOSPC', true],
  ['EDQUOT', true],
  ['EACCES', false],
  ['EIO', false],
])('isDiskFull() of %s is %s', (code, expected) => {
  expect(isDiskFull(Object.assign(new Error(code), { code }))).toBe(expected)
})

test('diskFullError() says what is needed and what there is, also where nothing is yet', async () => {
  await using dir = await tempDir()
  const error = diskFullError(`${dir.path}/not/there/part`, 12_345, undefined)
  expect(error.code).toBe('NO_SPACE')
  expect(error.message).toMatch(
    /the disk has [\d.]+ [KMGT]?i?B left, and it needs 12\.1 KiB more\.\nFree some space .*vmimage prune/,
  )
  expect(diskFullError(`${dir.path}/part`, undefined, undefined).message).toContain('it needs more.')
})

const run = promisify(execFile)
const canMount = await run('unshare', ['-rm', 'true']).then(
  () => true,
  () => false,
)

// A tmpfs of 300 KiB in a mount namespace of its own: the real error of a real full disk, without root.
test('fault 35, the disk is full while a download is written: NO_SPACE says need and have, and no server is blamed', async ({
  skip,
}) => {
  skip(!canMount, 'this system lets nobody but root mount in a namespace (unshare -rm)')
  await using mirror = await startMirror({ file: image })
  await using dir = await tempDir()
  const script = `
    import { makeContext } from '${new URL('../src/context.ts', import.meta.url).href}'
    import { download } from '${new URL('../src/fetch/download.ts', import.meta.url).href}'
    const digest = { algorithm: 'sha256', hex: '${sha256(image).hex}' }
    const request = { name: 'a', urls: ['${mirror.url}/file'], directory: '${dir.path}', digest, sizeBytes: ${image.length} }
    await download(request, makeContext({}, {})).catch((error) => console.log(error.code, error.message))
  `
  const { stdout } = await run('unshare', [
    '-rm',
    'sh',
    '-c',
    'mount -t tmpfs -o size=300k tmpfs "$1" && exec "$2" --import tsx --input-type=module -e "$3"',
    'sh',
    dir.path,
    process.execPath,
    script,
  ])
  expect(stdout).toMatch(/^NO_SPACE Cannot write ".*\/part": the disk has .* left/)
  expect(mirror.requests).toHaveLength(1)
})
