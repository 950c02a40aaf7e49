/** Other file systems and other machines: no hard links, no kernel in common, and a lock that may lock nothing. */
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openIngest } from '../../src/store/ingest.js'
import { cacheLayout, lockOwnerPath, lockPath } from '../../src/store/layout.js'
import { withLock } from '../../src/store/lock.js'
import { identity } from '../../src/store/own-lock.js'
import { newOwner } from '../../src/store/owner.js'
import { ensureCache } from '../../src/store/root.js'
import { startPublisher } from '../support/publisher.js'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { openingCode } from './opening.js'

// Other processes take part, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const image = smallQcow2('acme 1')
/** As if another machine had made it, whose pids are nobody's here. */
const elsewhere = () =>
  newOwner()
    .replace(/^.{8}/, '00000000')
    .replace(/-\d+-\d+(-\w+)$/, '-999999-1$1')

test('fault 42, leases and images are on different file systems for a whole run: marks are the leases, and all is removed at the end', async ({
  skip,
}) => {
  skip(!canUnshare, 'this system lets nobody but root mount in a namespace (unshare -rm)')
  await using publisher = await startPublisher({ '1': image })
  const layout = cacheLayout(String(publisher.options.cacheDir))
  ensureCache(layout)
  const said = await runUnshared(
    `mount -t tmpfs -o mode=700 tmpfs '${layout.runs}'`,
    `${openingCode(publisher)}
    const { readdirSync, readFileSync } = await import('node:fs')
    const marks = () => readdirSync(layout.runs, { recursive: true }).filter((name) => name.includes('/')).map((name) => name.replace(/.*[/]base-/, ''))
    const said = []
    for (const round of ['cold', 'warm']) {
      const image = await openVmImage({ provider: acme }, options)
      said.push(image.baseImage, marks())
      await image[Symbol.asyncDispose]()
      said.push(readdirSync(layout.runs))
    }
    console.log(JSON.stringify(said))`,
  )
  const [key = ''] = readdirSync(layout.images)
  const path = join(layout.images, key, 'disk')
  expect(JSON.parse(said)).toEqual([path, [`${key}.lease`], [], path, [`${key}.lease`], []])
  expect(readFileSync(path).equals(image)).toBe(true)
  expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
})

test('fault 49, another machine downloads into the same cache, as on NFS: its bytes are not taken while it may live', async () => {
  await using dir = await tempDir()
  const layout = cacheLayout(dir.path)
  ensureCache(layout)
  const theirs = join(layout.ingest, 'k', elsewhere())
  mkdirSync(theirs, { recursive: true })
  writeFileSync(join(theirs, 'part'), 'theirs')
  const ingest = openIngest(layout, 'k')
  expect([existsSync(join(ingest.directory, 'part')), readFileSync(join(theirs, 'part'), 'utf8')]).toEqual([
    false,
    'theirs',
  ])
})

test('fault 49, another machine holds the lock, as on NFS: only the end of its heartbeat frees it', async () => {
  await using dir = await tempDir()
  const layout = cacheLayout(dir.path)
  ensureCache(layout)
  const path = lockPath(layout, 'k')
  mkdirSync(path)
  writeFileSync(lockOwnerPath(layout, 'k'), JSON.stringify({ owner: elsewhere(), lock: identity(path) }))
  const stop = new AbortController()
  const holders: string[] = []
  const wait = {
    isDone: () => false,
    onWait: ({ holder }: { readonly holder: string }) => {
      holders.push(holder)
      stop.abort(new Error('it waits'))
    },
    signal: stop.signal,
  }
  await expect(withLock(layout, 'k', wait, async () => {})).rejects.toThrow('it waits')
  expect(holders).toEqual(['process 999999 of another machine or container'])
  const halfAMinuteAgo = new Date(Date.now() - 31_000)
  utimesSync(path, halfAMinuteAgo, halfAMinuteAgo)
  const ran: string[] = []
  await withLock(
    layout,
    'k',
    { ...wait, signal: new AbortController().signal },
    async () => void ran.push('ran'),
  )
  expect(ran).toEqual(['ran'])
})
