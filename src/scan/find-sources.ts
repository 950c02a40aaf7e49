/** findSources: every source file below a directory, for those whom no test framework tells which its tests are. */
import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isSource } from './resolve-relative.js'

/** What is made from sources, or by others. */
const skipped = /^(?:\..*|node_modules|dist|build|coverage)$/

/**
 * Lists the files, sorted. Symbolic links are not followed; directories that begin with a dot, `node_modules`, `dist`,
 * `build` and `coverage` are left out, and so are files with declarations only.
 *
 * @throws NodeJS.ErrnoException when the directory itself cannot be listed.
 */
export async function findSources(directory: string): Promise<readonly string[]> {
  const found = await filesIn(directory, await readdir(directory, { withFileTypes: true }))
  return found.toSorted()
}

async function filesIn(directory: string, entries: readonly Dirent[]): Promise<readonly string[]> {
  const inside = await Promise.all(
    entries.map(async (entry) => {
      const path = join(directory, entry.name)
      if (entry.isFile()) return isSource(entry.name) ? [path] : []
      if (!entry.isDirectory() || skipped.test(entry.name)) return []
      // One that is closed to us, or gone by now, holds no tests that we could run.
      return filesIn(path, await readdir(path, { withFileTypes: true }).catch(() => []))
    }),
  )
  return inside.flat()
}
