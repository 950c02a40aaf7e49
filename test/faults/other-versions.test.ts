/** Other versions of the package and of the format, and what nobody knows: it all stays where it is. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { openVmImage } from '../../src/image/open.js'
import { cacheLayout, diskPath, metaPath, overlayRuns } from '../../src/store/layout.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { sweepDeadRuns } from '../../src/store/run-directory.js'
import { listImages } from '../../src/store/store.js'
import { startRun } from '../../src/run/run.js'
import { acme, startPublisher } from '../support/publisher.js'

const image = smallQcow2('acme 1')

/** Every file below a directory, with its content. */
function contentOf(directory: string): Readonly<Record<string, string>> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name),
      readFileSync(join(parentPath, name), 'base64'),
    ]),
  )
}

test('fault 44, a cache has the format v2 of a later version, and unknown files in every directory: all of it is left alone', async () => {
  await using publisher = await startPublisher({ '1': image })
  const { cacheDir, overlayDir } = publisher.context()
  const layout = cacheLayout(cacheDir)
  const unknown = [
    join(cacheDir, 'v2', 'images', 'sha256-aa', 'disk'),
    join(cacheDir, 'v2', 'run', nobody(), 'base-sha256-aa'),
    join(cacheDir, 'README'),
    ...[
      layout.images,
      layout.ingest,
      layout.locks,
      layout.runs,
      layout.resolved,
      layout.keys,
      layout.trash,
    ].flatMap((directory) => [join(directory, 'a-file'), join(directory, 'a-directory', 'file')]),
    join(overlayRuns(overlayDir), 'a-directory', 'disk.qcow2'),
  ]
  for (const path of unknown) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, path)
  }
  const run = await startRun({ images: [{ provider: acme }] }, publisher.context())
  run.close()
  await using opened = await openVmImage({ provider: acme }, publisher.options)
  expect(readFileSync(opened.baseImage).equals(image)).toBe(true)
  sweepDeadRuns(makeContext({ cacheDir, overlayDir }, {}))
  expect(listImages(layout)).toHaveLength(1)
  expect(unknown.map((path) => readFileSync(path, 'utf8'))).toEqual(unknown)
})

test('fault 44, another version of the package has added to what it writes of an image: this one reads it, and writes none of it', async () => {
  await using publisher = await startPublisher({ '1': image })
  const layout = cacheLayout(publisher.context().cacheDir)
  await (await openVmImage({ provider: acme }, publisher.options))[Symbol.asyncDispose]()
  const [stored] = listImages(layout)
  const meta = metaPath(layout, String(stored?.key))
  const more = { ...(JSON.parse(readFileSync(meta, 'utf8')) as object), addedLater: { by: 'v9' } } // a record, as it was written
  const before = contentOf(layout.resolved)
  chmodSync(meta, 0o644)
  writeFileSync(meta, JSON.stringify(more))
  await using opened = await openVmImage({ provider: acme }, publisher.options)
  expect(opened.version).toBe('1')
  expect(readFileSync(diskPath(layout, String(stored?.key))).equals(image)).toBe(true)
  expect(JSON.parse(readFileSync(meta, 'utf8'))).toEqual(more)
  expect(contentOf(layout.resolved)).toEqual(before)
})

test('fault 44, an owner is of a form that this version does not know: what it made is not swept', async () => {
  await using publisher = await startPublisher({ '1': image })
  const { cacheDir, overlayDir } = publisher.context()
  const later = [`v2-${newOwner()}`, newOwner().replace(/-\d+-\d+-/, '-1-0-t7-'), `${newOwner()}-thread`]
  const directories = later.flatMap((name) => [
    join(cacheLayout(cacheDir).runs, name),
    join(overlayRuns(overlayDir), name),
  ])
  for (const directory of directories) mkdirSync(directory, { recursive: true, mode: 0o700 })
  expect(sweepDeadRuns(publisher.context())).toEqual([])
})
