/**
 * tempDir: an empty directory of one test, deleted with all that is in it when the test is over.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TempDir extends AsyncDisposable {
  readonly path: string
}

export async function tempDir(): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), 'vmimage-test-'))
  return {
    path,
    async [Symbol.asyncDispose]() {
      await chmod(path, 0o700).catch(() => {}) // a test may have made it read-only, or deleted it
      await rm(path, { recursive: true, force: true })
    },
  }
}
