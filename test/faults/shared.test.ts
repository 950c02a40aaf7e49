/** A cache of a group: several users write to it, whatever their umask, and use what the others have put there. */
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { cacheLayout, diskPath, lockPath } from '../../src/store/layout.js'
import { isRoot } from '../support/nobody.js'
import { type Publisher, startPublisher } from '../support/publisher.js'
import { startWorker } from '../support/worker.js'
import { openingCode } from './opening.js'

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const notRoot = 'only root can be two other users'
const image = smallQcow2('acme 1')
const [alice, bob, group] = [64_001, 64_002, 64_100]

/** Code that makes a worker of root's one of the users, with the strictest umask; all imports come before it. */
const become = (user: number, groups: readonly number[]) => `
  process.umask(0o077)
  process.setgroups(${JSON.stringify(groups)}); process.setgid(${user}); process.setuid(${user})`

/** A worker that is a user with a cache that others have too, and with overlays of its own. */
function startUser(
  publisher: Publisher,
  user: number,
  code: string,
  { shared = true, groups = [group] }: { shared?: boolean; groups?: readonly number[] } = {},
) {
  const overlayDir = join(publisher.directory, `overlays-${user}`)
  return startWorker(`${openingCode(publisher, { overlayDir, shared })}
    const { discardImage } = await source('store/store.ts')
    const { withLock } = await source('store/lock.ts')
    ${become(user, groups)}
    ${code}`)
}

const open = `
  const image = await openVmImage({ provider: acme }, options).catch((error) => console.log('failed ' + error.message.replaceAll('\\n', ' ')))
  if (image) console.log('opened ' + image.baseImage)`

/** A publisher whose cache directory a group may write to, as an administrator makes one. */
async function startTeam(): Promise<Publisher> {
  const publisher = await startPublisher({ '1': image })
  chmodSync(publisher.directory, 0o777)
  const cacheDir = String(publisher.options.cacheDir)
  mkdirSync(cacheDir)
  chownSync(cacheDir, alice, group)
  chmodSync(cacheDir, 0o2770)
  return publisher
}

test('fault 39, a second user wants the private cache of a first: an error at once, which names the option shared', async ({
  skip,
}) => {
  skip(!isRoot, notRoot)
  await using publisher = await startTeam()
  await using first = startUser(publisher, alice, open, { shared: false })
  await first.line(/^opened/)
  await using second = startUser(publisher, bob, open, { shared: false })
  expect(await second.line(/^(failed|opened)/)).toMatch(
    /^failed Cannot use directory .* belongs to user 64001, .*VMIMAGE_SHARED=1 \(the option shared\)/,
  )
})

test('fault 39, a second user with another umask shares the cache of a group: the image is there, and all can be written', async ({
  skip,
}) => {
  skip(!isRoot, notRoot)
  await using publisher = await startTeam()
  await using first = startUser(publisher, alice, `${open}\nsetInterval(() => {}, 1000)`)
  await first.line(/^opened/)
  await using second = startUser(publisher, bob, open)
  expect(await second.line(/^(failed|opened)/)).toMatch(/^opened/)
  expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)

  const { cacheDir, versionDir } = cacheLayout(String(publisher.options.cacheDir))
  const entries = readdirSync(versionDir, { recursive: true, encoding: 'utf8' }).map((name) =>
    join(versionDir, name),
  )
  // Of a mark only the name counts.
  const others = entries.filter((path) => !path.endsWith('.lease'))
  expect(statSync(cacheDir).mode & 0o7777).toBe(0o2770)
  const odd = [versionDir, ...others].filter((path) => {
    const stat = statSync(path)
    const isOpen = stat.isDirectory() ? (stat.mode & 0o7777) === 0o2775 : (stat.mode & 0o044) === 0o044
    return !isOpen || stat.gid !== group
  })
  expect(odd).toEqual([])
})

test('fault 40, the kernel forbids to link the file of another user: a mark is the lease, and the image is read where it is', async ({
  skip,
}) => {
  skip(!isRoot, notRoot)
  await using publisher = await startTeam()
  await using first = startUser(publisher, alice, open)
  await first.line(/^opened/)
  await using second = startUser(
    publisher,
    bob,
    `${open}
    const { readdirSync } = await import('node:fs')
    console.log('leases ' + readdirSync(layout.runs, { recursive: true }).filter((name) => name.includes('/base-')).map((name) => name.replace(/.*[/]/, '')))`,
  )
  const key = readdirSync(cacheLayout(String(publisher.options.cacheDir)).images)[0] ?? ''
  const where = diskPath(cacheLayout(String(publisher.options.cacheDir)), key)
  expect(await second.line(/^opened/)).toBe(`opened ${where}`)
  // Where fs.protected_hardlinks is 0 it is a link after all.
  expect(await second.line(/^leases/)).toMatch(new RegExp(`base-${key}(\\.lease)?`))
})

test('fault 39, a member of the group is killed with the lock, and another takes an image out of use: no other user is in the way', async ({
  skip,
}) => {
  skip(!isRoot, notRoot)
  await using publisher = await startTeam()
  await using first = startUser(
    publisher,
    alice,
    `${open}
    const wait = { isDone: () => false, onWait: () => {}, signal: new AbortController().signal }
    await withLock(layout, 'k', wait, () => { console.log('locked'); return new Promise((resolve) => setTimeout(resolve, 60_000)) })`,
  )
  await first.line(/^locked/)
  first.kill('SIGKILL')
  await first.ended()
  const layout = cacheLayout(String(publisher.options.cacheDir))
  expect(readdirSync(layout.locks)).toContain('k.lock')
  await using second = startUser(
    publisher,
    bob,
    `const wait = { isDone: () => false, onWait: () => console.log('waits'), signal: new AbortController().signal }
    await withLock(layout, 'k', wait, async () => console.log('took over'))
    const { readdirSync } = await import('node:fs')
    for (const key of readdirSync(layout.images)) discardImage(layout, key)
    console.log('discarded')`,
  )
  await second.line(/^discarded/)
  expect(second.output()).toMatch(/^took over\ndiscarded/)
  expect([
    statSync(lockPath(layout, 'k'), { throwIfNoEntry: false }),
    readdirSync(layout.images),
    readdirSync(layout.trash),
  ]).toEqual([undefined, [], []])
  await using third = startUser(publisher, bob, open)
  expect(await third.line(/^(failed|opened)/)).toMatch(/^opened/)
})

test('fault 39, a user outside the group wants the shared cache: refused, and the error says how to get in', async ({
  skip,
}) => {
  skip(!isRoot, notRoot)
  await using publisher = await startTeam()
  await using first = startUser(publisher, alice, open)
  await first.line(/^opened/)
  await using stranger = startUser(publisher, bob, open, { groups: [] })
  expect(await stranger.line(/^(failed|opened)/)).toMatch(
    /^failed .* belongs to user 64001, .*group of yours: chgrp -R GROUP/,
  )
})
