/**
 * What every test of a download needs: bytes with a digest, a context whose network is impatient, and small limits.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Context, makeContext } from '../../src/context.js'
import type { Digest } from '../../src/digest.js'
import { download, type DownloadLimits, type DownloadRequest } from '../../src/fetch/download.js'
import { createHttp } from '../../src/http/http.js'
import type { ReportEvent } from '../../src/report.js'
import { type TempDir, tempDir } from './temp-dir.js'

/** Bytes that a faulty server has time to be cut off in: more than one TCP window of the loopback. */
export const image = randomBytes(1_000_000)

export function sha256(bytes: Buffer): Digest {
  return { algorithm: 'sha256', hex: createHash('sha256').update(bytes).digest('hex') }
}

const quickLimits: Partial<DownloadLimits> = {
  stallMs: 300,
  slowWindowMs: 600,
  retryMs: 1,
  retryMaxMs: 20,
  attempts: 3,
  progressBytes: 50_000,
}

export interface Downloading extends AsyncDisposable {
  readonly directory: string
  readonly events: readonly ReportEvent[]
  readonly context: Context
  /** Downloads with the digest and size of {@link image}, and quick limits, where nothing else is said. */
  run(
    urls: readonly string[],
    other?: Partial<DownloadRequest>,
    limits?: Partial<DownloadLimits>,
  ): ReturnType<typeof download>
  /** The bytes of the part. */
  part(): Promise<Buffer>
}

export async function startDownloading(signal?: AbortSignal): Promise<Downloading> {
  const dir: TempDir = await tempDir()
  const events: ReportEvent[] = []
  const proxy = { http: undefined, https: undefined, except: undefined }
  const http = createHttp({ mirror: undefined, offline: false, proxy, timeouts: { answerMs: 400 } })
  const report = (event: ReportEvent) => void events.push(event)
  const context = { ...makeContext({ report, signal }, {}), http }
  return {
    directory: dir.path,
    events,
    context,
    run: (urls, other = {}, limits = {}) =>
      download(
        {
          name: 'fedora',
          urls,
          directory: dir.path,
          digest: sha256(image),
          sizeBytes: image.length,
          ...other,
        },
        context,
        { ...quickLimits, ...limits },
      ),
    part: () => readFile(`${dir.path}/part`),
    async [Symbol.asyncDispose]() {
      await http.close()
      await dir[Symbol.asyncDispose]()
    },
  }
}
