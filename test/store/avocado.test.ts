import { createHash } from 'node:crypto'
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findAvocadoFiles } from '../../src/store/avocado.js'
import { tempDir } from '../support/temp-dir.js'

const fileName = 'Fedora-Cloud-Base-35-1.2.x86_64.qcow2'
const urlDirectory = 'https://dl.fedoraproject.org/pub/fedora/linux/releases/35/Cloud/x86_64/images'
const url = `${urlDirectory}/${fileName}`
/** The second part is what `printf %s $urlDirectory | sha1sum` says. */
const location = 'by_location/951337e4bd3f30b584623d46f1745147cb32aca5'

function put(directory: string, path: string, content: string): string {
  const file = join(directory, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  return realpathSync(file)
}

function pathsIn(directory: string, urls: readonly string[] = [url]): readonly string[] {
  return findAvocadoFiles(directory, urls, fileName).map(({ path }) => path)
}

describe('findAvocadoFiles()', () => {
  test("finds the file of a URL in the directory that Avocado names by the URL's own", async () => {
    await using dir = await tempDir()
    const path = put(dir.path, `${location}/${fileName}`, 'image')
    expect(location).toContain(createHash('sha1').update(urlDirectory).digest('hex'))
    expect(findAvocadoFiles(dir.path, [url], fileName)).toEqual([{ path, sizeBytes: 5 }])
  })

  test('puts the files of the URLs first, in their order, then other locations and names', async () => {
    await using dir = await tempDir()
    const byName = put(dir.path, `by_name/${fileName}`, 'd')
    const other = put(dir.path, `by_location/${'0'.repeat(40)}/${fileName}`, 'c')
    const second = put(dir.path, `${location}/${fileName}`, 'b')
    const mirror = 'http://mirror.example//images'
    const sha1 = createHash('sha1').update(mirror).digest('hex')
    const first = put(dir.path, `by_location/${sha1}/${fileName}`, 'a')
    expect(pathsIn(dir.path, [`${mirror}/${fileName}`, url, url])).toEqual([first, second, other, byName])
  })

  test('knows the name of a directory at which the URL has two slashes', async () => {
    await using dir = await tempDir()
    const path = put(dir.path, `${location}/${fileName}`, 'image')
    put(dir.path, `by_location/${'0'.repeat(40)}/${fileName}`, 'another')
    expect(pathsIn(dir.path, [`${urlDirectory}//${fileName}`])[0]).toBe(path)
  })

  test.each([
    ['another name', `${location}/Fedora-Cloud-Base-36-1.2.x86_64.qcow2`],
    ['a longer name', `${location}/${fileName}.xz`],
    ['the name of its checksum file', `${location}/${fileName}-CHECKSUM`],
    ['the name of an overlay', `${location}/Fedora-Cloud-Base-35-1.2.x86_64-54d81da8.qcow2`],
    ['no location', fileName],
  ])('does not find a file with %s', async (_, path) => {
    await using dir = await tempDir()
    put(dir.path, path, 'image')
    expect(pathsIn(dir.path)).toEqual([])
  })

  test.each(['sha512 00\n', 'sha1 0000000000000000000000000000000000000000\n', 'rubbish'])(
    'believes nothing of a CHECKSUM file that says %j: whoever uses the file hashes it',
    async (text) => {
      await using dir = await tempDir()
      const path = put(dir.path, `${location}/${fileName}`, 'image')
      put(dir.path, `${location}/${fileName}-CHECKSUM`, text)
      expect(pathsIn(dir.path)).toEqual([path])
    },
  )

  test('does not follow a file that is a link out of the directory', async () => {
    await using dir = await tempDir()
    const cache = join(dir.path, 'cache')
    const secret = put(dir.path, 'cache-secret/file', 'secret')
    put(cache, `${location}/other`, '')
    symlinkSync(secret, join(cache, location, fileName))
    expect(pathsIn(cache)).toEqual([])
  })

  test('does not follow a location that is a link out of the directory', async () => {
    await using dir = await tempDir()
    const cache = join(dir.path, 'cache')
    put(dir.path, `elsewhere/${fileName}`, 'secret')
    mkdirSync(join(cache, 'by_location'), { recursive: true })
    symlinkSync(join(dir.path, 'elsewhere'), join(cache, location))
    expect(pathsIn(cache)).toEqual([])
  })

  test('does not leave the directory by the name of a file', async () => {
    await using dir = await tempDir()
    const cache = join(dir.path, 'cache')
    put(cache, `${location}/${fileName}`, 'image')
    put(dir.path, 'secret', 'secret')
    expect(findAvocadoFiles(cache, [url], '../../../secret')).toEqual([])
  })

  test('finds a file once where a link inside the directory leads to it', async () => {
    await using dir = await tempDir()
    const path = put(dir.path, `${location}/${fileName}`, 'image')
    mkdirSync(join(dir.path, 'by_name'))
    symlinkSync(path, join(dir.path, 'by_name', fileName))
    expect(pathsIn(dir.path)).toEqual([path])
  })

  test('finds it in a directory that is reached by a link', async () => {
    await using dir = await tempDir()
    const path = put(dir.path, `cache/${location}/${fileName}`, 'image')
    symlinkSync(join(dir.path, 'cache'), join(dir.path, 'link'))
    expect(pathsIn(join(dir.path, 'link'))).toEqual([path])
  })

  test('passes over directories, and links to nowhere', async () => {
    await using dir = await tempDir()
    mkdirSync(join(dir.path, location, fileName), { recursive: true })
    mkdirSync(join(dir.path, 'by_name'))
    symlinkSync('nowhere', join(dir.path, 'by_name', fileName))
    expect(pathsIn(dir.path)).toEqual([])
  })

  test('finds nothing where there is no Avocado cache, or nothing at all', async () => {
    await using dir = await tempDir()
    put(dir.path, 'by_location', 'a file')
    expect(pathsIn(dir.path)).toEqual([])
    expect(pathsIn(join(dir.path, 'none'))).toEqual([])
  })
})
