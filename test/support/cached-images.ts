/** A cache with small images in it, published as downloads are, of any age; what collectors are tried on. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Context, makeContext } from '../../src/context.js'
import type { Options } from '../../src/options.js'
import type { ReportEvent } from '../../src/report.js'
import { openIngest } from '../../src/store/ingest.js'
import { cacheLayout, imageDirectory } from '../../src/store/layout.js'
import { ensureCache, ensureOverlayDirectories } from '../../src/store/root.js'
import { type ImageMeta, publishImage } from '../../src/store/store.js'
import { tempDir } from './temp-dir.js'

export const dayMs = 86_400_000

export interface CacheOfImages extends AsyncDisposable {
  readonly directory: string
  readonly context: Context
  readonly layout: ReturnType<typeof cacheLayout>
  readonly events: readonly ReportEvent[]
  /** Publishes an image of `kib` that was fetched and last used `days` ago; returns its key. */
  publish(name: string, days?: number, kib?: number): string
}

/** In a directory of its own, or in `directory`, which its owner removes. */
export async function cacheOfImages(options: Options = {}, directory?: string): Promise<CacheOfImages> {
  const own = directory === undefined ? await tempDir() : undefined
  const top = directory ?? own?.path ?? ''
  const events: ReportEvent[] = []
  const places = { cacheDir: join(top, 'cache'), overlayDir: join(top, 'overlays') }
  const context = makeContext({ ...places, report: (event) => events.push(event), ...options }, {})
  const layout = cacheLayout(context.cacheDir)
  ensureCache(layout)
  ensureOverlayDirectories(context.overlayDir)
  return {
    directory: top,
    context,
    layout,
    events,
    publish: (name, days = 1, kib = 64) => {
      const key = keyOf(name)
      const ingest = openIngest(layout, key)
      mkdirSync(ingest.staging, { recursive: true })
      const disk = join(ingest.staging, 'disk')
      writeFileSync(disk, Buffer.alloc(kib * 1024, name))
      publishImage(layout, key, disk, metaOf(name, key, Date.now() - days * dayMs, kib), undefined)
      ingest.remove()
      const used = Date.now() / 1000 - days * 86_400
      utimesSync(imageDirectory(layout, key), used, used)
      return key
    },
    [Symbol.asyncDispose]: async () => own?.[Symbol.asyncDispose](),
  }
}

export function keyOf(name: string): string {
  return `sha256-${Buffer.from(name).toString('hex').padEnd(64, '0')}`
}

function metaOf(name: string, key: string, fetchedAt: number, kib: number) {
  return {
    name,
    version: '1',
    build: undefined,
    arch: 'x86_64',
    variant: undefined,
    fileName: `${name}.raw`,
    url: `https://example.org/${name}.raw`,
    trust: 'checksum',
    signedBy: undefined,
    source: { digest: key.replace('-', ':'), sizeBytes: kib * 1024 },
    content: { sha256: undefined, format: 'raw', virtualSizeBytes: kib * 1024 },
    fetchedAt: new Date(fetchedAt).toISOString(),
  } as const satisfies Omit<ImageMeta, 'content'> & { content: object }
}
