/**
 * Child processes of the fault tests run the built package, and themselves as plain JavaScript: there are hundreds of
 * them, and a loader for TypeScript takes longer to start than what they do.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { transformWithEsbuild } from 'vite'

const dist = new URL('../../dist/', import.meta.url).href

/** Compiles files of this folder (names without ending) into `directory`, side by side as they are here. */
export async function compileChildren(directory: string, names: readonly string[]): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }\n')
  for (const name of names) {
    const file = new URL(`${name}.ts`, import.meta.url).pathname
    const { code } = await transformWithEsbuild(await readFile(file, 'utf8'), file, {
      target: 'es2022',
      sourcemap: false,
      tsconfigRaw: '{}',
    })
    // What they import of the package is what is built of it.
    const built = code.replaceAll('"../../src/', `"${dist}`)
    await writeFile(join(directory, `${name}.js`), built)
  }
}
