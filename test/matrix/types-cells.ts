/** Whether a user's TypeScript compiles against our declarations and the framework's, with nothing skipped. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Installations } from './installation.js'
import type { MatrixCell } from './matrix-cell.js'

const files = fileURLToPath(new URL('../conformance/types/', import.meta.url))

const compilers = ['5.4', '5.9', '7'] as const
/** With the types of Node that each wants: Vitest 5 refuses those of Node 20. */
const vitests = [
  {
    vitest: '3.2',
    packages: ['@types/node@^20.19.0', '@types/debug@^4.1.12'],
    note: 'compiled with @types/debug, which the declarations of Vitest 3.2 import and do not bring along',
  },
  { vitest: '4.1', packages: ['@types/node@^20.19.0'], note: undefined },
  { vitest: '5', packages: ['@types/node@^22.12.0'], note: undefined },
] as const

const modules = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
} as const

export function typesCells(): readonly MatrixCell[] {
  return compilers.flatMap((compiler) =>
    vitests.flatMap(({ vitest, packages, note }) =>
      Object.entries(modules).map(([name, options]) => ({
        name: `types typescript ${compiler} vitest ${vitest} ${name}`,
        run: async ({ installations }) => {
          const start = performance.now()
          const { code, output, version } = await compile(installations, {
            compiler,
            vitest,
            packages,
            name,
            options,
          })
          const row = 'types: a project that uses every entry compiles'
          const differences = code === 0 ? [] : [{ row, text: `tsc ended with ${code}` }]
          const seconds = (performance.now() - start) / 1000
          const passed = 1 - differences.length
          const notes = note === undefined ? [] : [note]
          const result = { version, passed, total: 1, seconds, differences, notes }
          return { result, tail: code === 0 ? [] : output.split('\n').slice(0, 40) }
        },
      })),
    ),
  )
}

interface Compilation {
  readonly compiler: string
  readonly vitest: string
  readonly packages: readonly string[]
  readonly name: string
  readonly options: object
}

async function compile(
  installations: Installations,
  { compiler, vitest, packages, name, options }: Compilation,
) {
  const typescript = await installations.install(`typescript-${compiler}`, [
    `typescript@${rangeOf(compiler)}`,
  ])
  const project = await installations.install(`types-vitest-${vitest}`, [
    `vitest@${rangeOf(vitest)}`,
    ...packages,
  ])
  const directory = join(project.directory, 'cells', `${compiler}-${name}`)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  cpSync(files, directory, { recursive: true })
  symlinkSync(project.nodeModules, join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n')
  const compilerOptions = {
    ...options,
    target: 'es2022',
    lib: ['es2023'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  const tsc = join(typescript.nodeModules, 'typescript/bin/tsc')
  const child = spawn(process.execPath, [tsc, '-p', directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null] // of a child's 'close' event
  return { code, output, version: typescript.versionOf('typescript') }
}

/** `5.4` -> `~5.4.0`, `7` -> `^7.0.0` */
function rangeOf(version: string): string {
  return version.includes('.') ? `~${version}.0` : `^${version}.0.0`
}
