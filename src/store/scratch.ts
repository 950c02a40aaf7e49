/**
 * Private directories. tmp-promise makes them (exclusively, mode 0700); its own clean-up at exit is not relied on,
 * because it does not run on a signal: a killed owner's directories are swept by name.
 */
import { dir } from 'tmp-promise'

export interface Scratch extends AsyncDisposable {
  readonly path: string
}

/** Makes `<parent>/<name>`, which must not exist yet; disposing removes it with all that is in it. */
export async function openScratch(parent: string, name: string): Promise<Scratch> {
  const { path, cleanup } = await dir({ tmpdir: parent, name, mode: 0o700, unsafeCleanup: true, keep: true })
  return { path, [Symbol.asyncDispose]: cleanup }
}
