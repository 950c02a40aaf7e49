/**
 * The scenarios are TypeScript. A project whose user writes JavaScript has them without types, as ES modules or as
 * CommonJS; the others have them as they are, and their framework compiles them.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'

export type Language = 'es-modules' | 'commonjs' | `typescript${string}`

/** The name that a file of test/conformance/ has in a project. */
export function nameIn(language: Language, file: string): string {
  return isJavaScript(language) ? file.replace(/\.ts$/, '.js') : file
}

/** Makes the files of a directory, and the kind of package that it is, those of the language. */
export function writeIn(language: Language, directory: string): void {
  // TypeScript that says module syntax and runs as CommonJS is what ts-jest and babel-jest are for.
  const isModule = language === 'es-modules' || language === 'typescript'
  writeFileSync(join(directory, 'package.json'), `{ "type": "${isModule ? 'module' : 'commonjs'}" }\n`)
  if (!isJavaScript(language)) return
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.ts'))) {
    const source = readFileSync(join(directory, file), 'utf8')
    rmSync(join(directory, file))
    writeFileSync(join(directory, nameIn(language, file)), withoutTypes(language, source))
  }
}

function isJavaScript(language: Language): language is 'es-modules' | 'commonjs' {
  return language === 'es-modules' || language === 'commonjs'
}

function withoutTypes(language: 'es-modules' | 'commonjs', source: string): string {
  const { code } = transformSync(source, {
    loader: 'ts',
    format: language === 'commonjs' ? 'cjs' : 'esm',
    platform: 'node',
    target: 'node20',
  })
  return code
}
