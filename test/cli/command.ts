/** The built command, run as a user would against publishers on the loopback. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { publishSmallImages } from '../../fixtures/publishers.js'
import { type Mirror, startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'

export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Output {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandLine extends AsyncDisposable {
  readonly mirror: Mirror
  environment(cacheDir: string): NodeJS.ProcessEnv
  run(cacheDir: string, ...args: readonly string[]): Promise<Output>
}

export async function openCommandLine(): Promise<CommandLine> {
  const site = await tempDir()
  const { config } = await publishSmallImages(site.path)
  const mirror = await startMirror(site.path)
  const environment = (cacheDir: string) => ({
    ...process.env,
    VMIMAGE_MIRROR: mirror.url,
    VMIMAGE_CACHE_DIR: cacheDir,
    VMIMAGE_OFFLINE: '',
    VMIMAGE_CONFIG: config,
  })
  return {
    mirror,
    environment,
    run: (cacheDir, ...args) =>
      finish(spawn(process.execPath, [main, '--arch', 'x86_64', ...args], { env: environment(cacheDir) })),
    async [Symbol.asyncDispose]() {
      await mirror[Symbol.asyncDispose]()
      await site[Symbol.asyncDispose]()
    },
  }
}

export async function finish(child: ChildProcess): Promise<Output> {
  const output = { stdout: '', stderr: '' }
  child.stdout?.on('data', (data: Buffer) => (output.stdout += data.toString()))
  child.stderr?.on('data', (data: Buffer) => (output.stderr += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null] // of a child's 'close' event
  return { code, ...output }
}
