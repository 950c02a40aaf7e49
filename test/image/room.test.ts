/** Room for an image: what is refused before its first byte, and disks that are really full. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { type Need, needOf } from '../../src/image/room.js'
import { type Publisher, startPublisher } from '../support/publisher.js'
import { canUnshare, runUnshared } from '../support/unshared.js'

const mib = 1024 ** 2

describe('needOf()', () => {
  test.each<[string, Parameters<typeof needOf>, Need]>([
    ['of a plain file is the file', [100, 0, false, undefined], { certainBytes: 100, likelyBytes: 100 }],
    ['leaves out what has arrived', [100, 60, false, 500], { certainBytes: 40, likelyBytes: 40 }],
    ['is never less than nothing', [100, 160, false, undefined], { certainBytes: 0, likelyBytes: 0 }],
    [
      'of a packed file has what comes out',
      [100, 60, true, undefined],
      { certainBytes: 140, likelyBytes: 340 },
    ],
    ['knows what an earlier build took', [100, 0, true, 700], { certainBytes: 200, likelyBytes: 800 }],
    ['of a size that nobody says is open', [0, 60, true, undefined], { certainBytes: 0, likelyBytes: 0 }],
  ])('%s', (_, args, expected) => {
    expect(needOf(...args)).toEqual(expected)
  })
})

/** 2.3 MiB. */
const image = smallQcow2('acme 1', { dataClusters: 32 })

interface Result {
  readonly code: string | undefined
  readonly message: string
  readonly freed: readonly number[]
  readonly warnings: readonly string[]
  readonly left: readonly string[]
  readonly images: readonly string[]
}

interface Full {
  /** What of the disk is free in the beginning. */
  readonly freeBytes: number
  /** Fills the rest of the disk as soon as this code, over an `event`, is true. */
  readonly fillWhen?: string
  /** Fills it with files without bytes in place of bytes. */
  readonly fillsInodes?: boolean
  /** What `makeRoom()` does; `fs.rmSync(filler)` frees 6 MiB. Default: nothing. */
  readonly makeRoom?: string
  /** Fields of the source, as code. */
  readonly source?: string
}

/** Publishes an image into a cache on a real tmpfs of 8 MiB, in a process with mounts of its own. */
async function publishOnTmpfs(publisher: Publisher, full: Full): Promise<Result> {
  const cache = String(publisher.options.cacheDir)
  const hex = createHash('sha256').update(image).digest('hex')
  const url = `${publisher.mirror.url}${publisher.path('1')}`
  const code = `
    import fs from 'node:fs'
    const { makeContext } = await source('context.ts')
    const { parseRequest } = await source('request/request.ts')
    const { parseDigest } = await source('digest.ts')
    const { ensureCache } = await source('store/root.ts')
    const { cacheLayout } = await source('store/layout.ts')
    const { urlSource } = await source('image/source.ts')
    const { publishSource } = await source('image/publish-source.ts')
    const layout = cacheLayout('${cache}')
    const filler = '${cache}/filler'
    const write = (path, bytes) => {
      const fd = fs.openSync(path, 'a')
      try { for (;;) fs.writeSync(fd, Buffer.alloc(bytes)) } catch {} finally { fs.closeSync(fd) }
    }
    const fill = () => {
      if (${full.fillsInodes ?? false}) try { for (let n = 0; ; n += 1) fs.writeFileSync(filler + n, '') } catch {}
      else write(filler, 4096)
    }
    const freed = [], warnings = []
    let isFull = false
    const report = (event) => {
      if (event.type === 'warning') warnings.push(event.message)
      if (!isFull && (${full.fillWhen ?? 'false'})) { isFull = true; fill() }
    }
    const context = makeContext({ cacheDir: '${cache}', arch: 'x86_64', report }, {})
    ensureCache(layout)
    const { bavail, bsize } = fs.statfsSync('${cache}')
    fs.writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - ${full.freeBytes})))
    const request = parseRequest({ url: '${url}', checksum: 'sha256:${hex}' })
    const from = { ...urlSource(request, context), ${full.source ?? ''} }
    let isDone = false
    const publishing = {
      isDone: () => isDone,
      onPublished: () => (isDone = true),
      leaseDir: undefined,
      keepsWrongBytes: false,
      makeRoom: async (needed) => { freed.push(needed); ${full.makeRoom ?? 'return 0'} },
    }
    let failure
    await publishSource(layout, from, publishing, context).catch((error) => { failure = error })
    await context.http.close()
    const left = fs.readdirSync(layout.ingest, { recursive: true }).filter((name) => name.includes('/'))
    console.log(JSON.stringify({ code: failure?.code, message: failure?.message ?? '', freed, warnings, left, images: fs.readdirSync(layout.images) }))
  `
  return JSON.parse(
    await runUnshared(`mkdir -p ${cache} && mount -t tmpfs -o size=8m,nr_inodes=200 tmpfs ${cache}`, code),
  ) as Result // what the code above prints
}

const gets = ({ mirror }: Publisher) => mirror.requests.map(({ range, bytesSent }) => ({ range, bytesSent }))

const why = canUnshare ? '' : ' (this system lets nobody mount in a namespace)'

describe.skipIf(!canUnshare)(`on a disk that is full${why}`, () => {
  test('fault 35, the disk has no room for an image of known size: refused before its first byte', async () => {
    await using publisher = await startPublisher({ '1': image })
    const result = await publishOnTmpfs(publisher, { freeBytes: mib, source: `sizeBytes: ${image.length}` })
    expect(result).toMatchObject({ code: 'NO_SPACE', left: [], images: [] })
    expect(result.message).toMatch(
      /^Cannot download "acme-1.x86_64.qcow2": it needs 2\.\d+ MiB more, and ".*cache" has .* left\.\nFree some space.*vmimage prune/,
    )
    // What is lacking, and no more.
    expect(result.freed[0]).toBeGreaterThan(image.length - 1.1 * mib)
    expect(result.freed[0]).toBeLessThan(image.length)
    expect(publisher.mirror.requests).toEqual([])
  })

  test('fault 35, the disk has no room for a packed image and what comes out of it: refused before its first byte', async () => {
    await using publisher = await startPublisher({ '1': image })
    const source = `sizeBytes: ${image.length}, compression: 'xz'`
    const result = await publishOnTmpfs(publisher, { freeBytes: 4 * mib, source })
    expect(result.message).toMatch(/it needs 4\.\d+ MiB more \(about 9\.\d+ MiB when it is unpacked\)/)
    expect(publisher.mirror.requests).toEqual([])
  })

  test('fault 35, the disk is full while downloading: room is made once, and what has arrived does not come again', async () => {
    await using publisher = await startPublisher({ '1': image })
    const result = await publishOnTmpfs(publisher, {
      freeBytes: mib,
      makeRoom: 'const { size } = fs.statSync(filler); fs.rmSync(filler); return size',
    })
    expect(result).toMatchObject({ message: '', left: [] })
    expect(result.images).toHaveLength(1)
    expect(result.freed).toHaveLength(1)
    expect(result.warnings).toEqual([expect.stringMatching(/^The disk was full: [\d.]+ MiB were freed/)])
    expect(gets(publisher).map(({ range }) => range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=[1-9]\d{5,}-/),
    ])
  })

  test('fault 35, the disk is full while downloading and nothing can be freed: said with need and have, nothing is left', async () => {
    await using publisher = await startPublisher({ '1': image })
    const result = await publishOnTmpfs(publisher, { freeBytes: mib })
    expect(result).toMatchObject({ code: 'NO_SPACE', left: [], images: [] })
    expect(result.message).toMatch(
      /^Cannot write ".*part": the disk has .*B left, and it needs [\d.]+ MiB more\.\nFree some space/,
    )
    expect(result.freed).toHaveLength(1)
    expect(gets(publisher)).toHaveLength(1)
  })

  test.each([
    ['at state.json', "event.type === 'downloading'", false],
    ['at meta.json', `event.type === 'downloading' && event.receivedBytes === ${image.length}`, false],
    ['at the lock', 'true', true],
  ])(
    'fault 35, the disk is full at a late step: NO_SPACE, and nothing is left (%s)',
    async (where, fillWhen, fillsInodes) => {
      await using publisher = await startPublisher({ '1': image })
      const early = where === 'at the lock'
      const result = await publishOnTmpfs(publisher, {
        freeBytes: 6 * mib,
        fillWhen,
        fillsInodes,
        // A warning of its own comes before the lock is taken.
        source: early ? "name: (report({ type: 'resolving' }), 'acme')" : '',
      })
      expect(result).toMatchObject({ code: 'NO_SPACE', left: [], images: [] })
      expect(result.message).toMatch(/^Cannot (?:write|lock) .*\nFree some space/)
      // Room for nothing would free nothing.
      expect(result.freed).toEqual([expect.toSatisfy((bytes: number) => bytes > 0)])
    },
  )

  test('fault 35, the disk is full at meta.json: after room was made the image is published without a second download', async () => {
    await using publisher = await startPublisher({ '1': image })
    const result = await publishOnTmpfs(publisher, {
      freeBytes: 6 * mib,
      fillWhen: `event.type === 'downloading' && event.receivedBytes === ${image.length}`,
      makeRoom: 'fs.rmSync(filler); return 6e6',
    })
    expect(result).toMatchObject({ message: '', left: [] })
    expect(result.images).toHaveLength(1)
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
  })

  test.each([
    [
      'full',
      Buffer.alloc(40 * mib, 'bomb'),
      'NO_SPACE',
      /more than [\d.]+ MiB come out of it, and the disk had no more/,
    ],
    ['spared by a bomb of zeros', Buffer.alloc(80 * mib), 'DECOMPRESSION_FAILED', /more than 67108864 bytes/],
  ])(
    'fault 46, a decompression bomb: it stops at its cap, and the disk is not filled (%s)',
    async (_, bomb, code, found) => {
      const packed = execFileSync('xz', ['-9c'], { input: bomb, maxBuffer: 2 ** 27 })
      await using publisher = await startPublisher({ '1': packed })
      const hex = createHash('sha256').update(packed).digest('hex')
      const result = await publishOnTmpfs(publisher, {
        freeBytes: 7 * mib,
        source: `compression: 'xz', digest: parseDigest('sha256:${hex}')`,
      })
      expect(result).toMatchObject({ code, left: [], images: [] })
      expect(result.message).toMatch(found)
    },
  )

  test('fault 35, the disk is full and the image is cached: it is used, and a newer resolution is not written down', async () => {
    await using publisher = await startPublisher({ '1': image })
    const options = { ...publisher.options, report: undefined }
    const said = await runUnshared(
      `mkdir -p ${options.cacheDir} && mount -t tmpfs -o size=8m tmpfs ${options.cacheDir}`,
      `import fs from 'node:fs'
      const { defineProvider } = await source('providers/provider.ts')
      const { makeContext } = await source('context.ts')
      const { parseRequest } = await source('request/request.ts')
      const { ensureBaseImage } = await source('image/ensure-base-image.ts')
      const provider = defineProvider({
        name: 'acme',
        versionsUrl: 'https://acme.example.org/',
        imagesUrl: 'https://acme.example.org/{version}/',
        imagePattern: 'acme-{version}.{arch}.qcow2',
      })
      const report = ({ type, message }) => type === 'warning' && console.log(message)
      const context = makeContext({ ...${JSON.stringify(options)}, report }, {})
      const ensure = (now) => ensureBaseImage(parseRequest({ provider }), undefined, { ...context, now })
      await ensure(Date.now)
      try {
        for (;;) fs.appendFileSync(context.cacheDir + '/filler', Buffer.alloc(4096))
      } catch {}
      const { path, resolved } = await ensure(() => Date.now() + 7 * 86_400_000)
      console.log(fs.statSync(path).size + ' ' + resolved.stale)
      await context.http.close()`,
    )
    const [warning, last] = [said.split('\n')[0], said.split('\n').at(-1)]
    expect(warning).toMatch(/^Which build Acme 1 is cannot be written down in ".*resolved" \(ENOSPC\)/)
    expect(last).toBe(`${image.length} undefined`)
  })
})
