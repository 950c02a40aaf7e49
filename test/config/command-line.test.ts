/** The built command in a project with a configuration file. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { type Publisher, startPublisher } from '../support/publisher.js'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const acme = {
  name: 'acme',
  versionsUrl: 'https://acme.example.org/',
  imagesUrl: 'https://acme.example.org/{version}/',
  imagePattern: 'acme-{version}.{arch}.qcow2',
}
const readsTypeScript = Boolean(Reflect.get(process.features, 'typescript'))

/** A publisher whose directory is a project with this configuration. */
async function startProject(config: object = {}) {
  const publisher = await startPublisher({ '9': smallQcow2('9'), '10': smallQcow2('10') })
  writeFileSync(join(publisher.directory, 'vmimage.config.json'), configOf(publisher, config))
  return publisher
}

/** As JSON, which is JavaScript as well. */
function configOf({ mirror }: Publisher, more: object = {}): string {
  return JSON.stringify({ providers: [acme], mirror: mirror.url, arch: 'x86_64', cacheDir: 'cache', ...more })
}

function inTypeScript(config: string): string {
  return `const config: object = ${config}\nexport default config\n`
}

async function vmimage(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VMIMAGE_'))
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => (output.stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output.stderr += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null] // of a child's 'close' event
  return { code, ...output }
}

function cacheOf({ directory }: Publisher, name = 'cache'): string {
  return join(directory, name, 'v1')
}

describe('with a configuration file', () => {
  test('fetch and resolve know its providers, from directories below as well', async () => {
    await using project = await startProject()
    const below = join(project.directory, 'below')
    mkdirSync(below)
    const resolved = await vmimage(below, ['resolve', 'acme', '--json'])
    expect(resolved.code, resolved.stderr).toBe(0)
    expect(JSON.parse(resolved.stdout)).toEqual([expect.objectContaining({ name: 'Acme', version: '10' })])
    const fetched = await vmimage(below, ['fetch', 'acme:9'])
    expect(fetched.stdout).toMatch(/^Acme 9 .*x86_64 +\//)
    expect(existsSync(cacheOf(project))).toBe(true)
  })

  test('providers lists them', async () => {
    await using project = await startProject()
    const { stdout } = await vmimage(project.directory, ['providers'])
    expect(stdout).toMatch(/^acme /m)
    expect(stdout).toMatch(/^fedora /m)
  })

  test('fetch without names fetches its images and those of the environment, each once', async () => {
    await using project = await startProject({ images: ['acme', { name: 'acme', version: 9 }] })
    const fetched = await vmimage(project.directory, ['fetch', '--json'], { VMIMAGE_IMAGES: 'acme:9' })
    expect(fetched.code, fetched.stderr).toBe(0)
    const versions = (JSON.parse(fetched.stdout) as { version: string }[]).map(({ version }) => version) // of our own
    expect(versions).toEqual(['10', '9'])
  })

  test.each([
    ['it lists none', {}, /vmimage\.config\.json" lists none/],
    ['there is no file', { VMIMAGE_CONFIG: 'none.json' }, /none\.json": the file does not exist/],
  ])('fetch without names is an error where %s', async (_, env, said) => {
    await using project = await startProject()
    const { code, stdout, stderr } = await vmimage(project.directory, ['fetch'], env)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(said)
  })

  test.each([
    ['the file', [], {}, 'cache'],
    ['a variable above it', [], { VMIMAGE_CACHE_DIR: 'by-variable' }, 'by-variable'],
    ['an option above both', ['--cache-dir', 'by-option'], { VMIMAGE_CACHE_DIR: 'by-variable' }, 'by-option'],
  ])('the cache is chosen by %s', async (_, flags, env, cache) => {
    await using project = await startProject()
    const { code, stderr } = await vmimage(project.directory, [...flags, 'fetch', 'acme'], env)
    expect(code, stderr).toBe(0)
    expect(
      ['cache', 'by-variable', 'by-option'].filter((name) => existsSync(cacheOf(project, name))),
    ).toEqual([cache])
  })

  test.each([
    ['--config', ['--config', 'ci.json'], { VMIMAGE_CONFIG: 'other.json' }],
    ['VMIMAGE_CONFIG', [], { VMIMAGE_CONFIG: 'ci.json' }],
  ])('%s names another one', async (_, flags, env) => {
    await using project = await startProject()
    writeFileSync(
      join(project.directory, 'ci.json'),
      JSON.stringify({ providers: [{ ...acme, name: 'ci' }] }),
    )
    const { code, stdout } = await vmimage(project.directory, [...flags, 'providers'], env)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ci /m)
    expect(stdout).not.toMatch(/^acme /m)
  })

  test('what is wrong in it ends every command with 2', async () => {
    await using project = await startProject({ offlin: true })
    const { code, stderr } = await vmimage(project.directory, ['list'])
    expect(code).toBe(2)
    expect(stderr).toContain('[INVALID_CONFIG]')
    expect(stderr).toContain('no key "offlin", but "offline"')
  })
})

describe('a configuration in TypeScript', () => {
  test.runIf(readsTypeScript).each(['ts', 'mts'])(
    `is read by Node itself (.%s)${readsTypeScript ? '' : ' (this Node does not read TypeScript)'}`,
    async (suffix) => {
      await using project = await startProject()
      const config = configOf(project, { images: ['acme:9'] })
      writeFileSync(join(project.directory, `vmimage.config.${suffix}`), inTypeScript(config))
      const { code, stdout, stderr } = await vmimage(project.directory, ['fetch'])
      expect(code, stderr).toBe(0)
      expect(stdout).toMatch(/^Acme 9 /)
    },
  )

  test.skipIf(readsTypeScript).each(['ts', 'mts'])(
    `is refused by a Node that cannot (.%s)${readsTypeScript ? ' (this one can)' : ''}`,
    async (suffix) => {
      await using project = await startProject()
      writeFileSync(join(project.directory, `vmimage.config.${suffix}`), inTypeScript(configOf(project)))
      const { code, stderr } = await vmimage(project.directory, ['fetch'])
      expect(code).toBe(2)
      expect(stderr).toContain(
        `Node ${process.versions.node} does not read TypeScript, expected 22.18 or newer`,
      )
      expect(stderr).toContain('vmimage.config.mjs')
    },
  )
})
