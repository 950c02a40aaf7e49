/**
 * What a user types: `npm install` of the packed tarball, of a framework, of a Node. Each is done once for all cells that
 * have it in common, in one directory.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Installation {
  readonly directory: string
  readonly nodeModules: string
  /** The version of a package that npm chose. */
  versionOf(name: string): string
}

export interface Installations {
  /** A project with these packages and the tarball. */
  install(name: string, packages: readonly string[]): Promise<Installation>
  /** The path of a Node of a major version; the one that runs this, where it is that. */
  node(major: string): Promise<string>
}

/** Builds and packs first. */
export async function openInstallations(directory: string): Promise<Installations> {
  mkdirSync(directory, { recursive: true })
  const tarballs = join(directory, 'tarball')
  rmSync(tarballs, { recursive: true, force: true })
  mkdirSync(tarballs)
  await npm(root, ['run', 'build'])
  await npm(root, ['pack', '--ignore-scripts', '--pack-destination', tarballs])
  const tarball = join(tarballs, readdirSync(tarballs)[0] ?? '')
  const installations = new Map<string, Promise<Installation>>()
  const nodes = new Map<string, Promise<string>>()
  return {
    install: (name, packages) =>
      onlyOnce(installations, name, () => install(join(directory, name), [...packages, tarball])),
    node: (major) => onlyOnce(nodes, major, () => findNode(directory, major)),
  }
}

/** The registry's names for versions of a package: `latest`, `beta`. */
export function tagsOf(name: string): readonly string[] {
  const json = execFileSync('npm', ['view', name, 'dist-tags', '--json'], { encoding: 'utf8' })
  return Object.keys(JSON.parse(json) as object) // npm's answer
}

async function findNode(directory: string, major: string): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const { nodeModules } = await install(join(directory, `node-${major}`), [`node@${major}`])
  return join(nodeModules, 'node/bin/node')
}

async function install(directory: string, packages: readonly string[]): Promise<Installation> {
  const nodeModules = join(directory, 'node_modules')
  mkdirSync(directory, { recursive: true })
  // npm would take a tarball of the same name and version for the one that it has.
  rmSync(join(directory, 'package-lock.json'), { force: true })
  rmSync(join(nodeModules, 'vmimage'), { recursive: true, force: true })
  rmSync(join(nodeModules, '.package-lock.json'), { force: true })
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n')
  await npm(directory, ['install', '--no-audit', '--no-fund', ...packages])
  return {
    directory,
    nodeModules,
    versionOf: (name) => {
      const file = join(nodeModules, name, 'package.json')
      return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version // npm demands it
    },
  }
}

async function npm(cwd: string, args: readonly string[]): Promise<void> {
  // Whatever loglevel the npm that started this was told: an error has to be said.
  const child = spawn('npm', [...args, '--loglevel=error'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null] // of a child's 'close' event
  if (code !== 0) throw new Error(`"npm ${args.join(' ')}" ended with ${code}:\n${output}`)
}

function onlyOnce<T>(made: Map<string, Promise<T>>, name: string, make: () => Promise<T>): Promise<T> {
  const value = made.get(name) ?? make()
  made.set(name, value)
  return value
}
