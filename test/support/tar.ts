/** Archives as tar makes them of real files. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { tempDir } from './temp-dir.js'

/** Runs `prepare` in an empty directory, then tar with `args`, where `.` is that directory. */
export async function makeTar(
  prepare: (directory: string) => Promise<unknown>,
  args: readonly string[],
): Promise<Buffer> {
  await using files = await tempDir()
  await using out = await tempDir()
  await prepare(files.path)
  const archive = join(out.path, 'archive.tar')
  await promisify(execFile)('tar', ['-cf', archive, '-C', files.path, ...args])
  return await readFile(archive)
}
