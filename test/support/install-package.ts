/** The package in a project's node_modules, as npm would put it there: a copy of dist/, so build first. */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Makes the directory `nodeModules`; everything but vmimage itself is linked to what is installed here. */
export function installPackage(nodeModules: string): void {
  mkdirSync(join(nodeModules, 'vmimage'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(nodeModules, name))
  }
  cpSync(join(root, 'package.json'), join(nodeModules, 'vmimage/package.json'))
  cpSync(join(root, 'dist'), join(nodeModules, 'vmimage/dist'), { recursive: true })
}
