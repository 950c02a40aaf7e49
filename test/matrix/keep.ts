/** What was kept of failed tests, and whether reports say so where a user looks. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Framework } from './framework.js'
import type { Observation } from './observations.js'
import { namesIn, textOf } from './project.js'

/** As much of note.json as is looked at. */
export interface KeptNote {
  /** `keep.spec.ts > a suite > a test` */
  readonly test: string
  readonly attempt: number
  readonly images: readonly { readonly path: string; readonly boot: string }[]
}

export function readKept(overlays: string): readonly KeptNote[] {
  const kept = join(overlays, 'kept')
  return namesIn(kept).map((name) => JSON.parse(textOf(join(kept, name, 'note.json'))) as KeptNote) // as keep.ts writes it
}

export function keptRows(
  scenario: string,
  kept: readonly KeptNote[],
  reports: { readonly terminal: string; readonly junit: string },
  framework: Framework,
): readonly Observation[] {
  const { isShared = isOfFile, titleOf = shortName } = framework
  const shared = isShared === 'none' ? undefined : kept.filter(({ test }) => isShared(test))
  const inTerminal = framework.failuresIn(reports.terminal)
  const inJunit = failuresInJunit(reports.junit)
  return [
    {
      row: `${scenario}: the disks of these are kept, and of no others`,
      saw: kept.map(({ test, attempt }) => `${titleOf(test)}, try ${attempt}`).toSorted(),
    },
    {
      row: `${scenario}: the path stands in the error of each failed test (default reporter)`,
      saw: silentTests(kept, inTerminal, titleOf),
    },
    {
      row: `${scenario}: the path stands in the error of each failed test (junit reporter)`,
      saw: silentTests(kept, inJunit, titleOf),
    },
    {
      row: `${scenario}: note.json has a command that boots each kept disk`,
      saw: kept.every(({ images }) => images.length > 0 && images.every(hasCommand)) ? 'each' : 'not each',
    },
    ...(shared ?? []).map((note) => ({
      row: `${scenario}: the path of a disk of beforeAll stands in the output`,
      saw: isNamed(note, reports.terminal) ? 'there' : 'missing',
    })),
  ]
}

function isOfFile(test: string): boolean {
  return !test.includes(' > ')
}

function hasCommand({ path, boot }: KeptNote['images'][number]): boolean {
  return existsSync(path) && boot.startsWith('qemu-system-') && boot.includes(path)
}

/** Tests that a report has as failed, whose kept disks it does not name. A test that passed at last is not among them. */
function silentTests(
  kept: readonly KeptNote[],
  failures: ReadonlyMap<string, string>,
  titleOf: (test: string) => string,
): string | readonly string[] {
  const failed = kept.filter(({ test }) => failures.has(titleOf(test)))
  if (failed.length === 0) return 'no failed test'
  const silent = failed.filter((note) => !isNamed(note, failures.get(titleOf(note.test)) ?? ''))
  return silent.length === 0 ? 'in each' : silent.map(({ test }) => titleOf(test))
}

function isNamed({ images }: KeptNote, text: string): boolean {
  return images.every(({ path }) => text.includes(path))
}

/** Without the file; of what a file's tests share, that it is that. */
function shortName(test: string): string {
  return test.split(' > ').slice(1).join(' ') || 'the shared part of the file'
}

/** The failures of each `<testcase>`, by its name as the other reports have it. */
function failuresInJunit(xml: string): ReadonlyMap<string, string> {
  // Not those that end in />: they have no failure, nor an end of their own.
  const cases = [...xml.matchAll(/<testcase ((?:[^>"]|"[^"]*")*)(?<!\/)>([^]*?)<\/testcase>/g)]
  return new Map(
    cases
      .filter(([, , content = '']) => /<(failure|error)\b/.test(content))
      .map(([, attributes = '', content = '']) => [
        unescaped(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? '').replaceAll(' > ', ' '),
        // Node has the error in an attribute, with its ends of lines written as entities.
        unescaped(content),
      ]),
  )
}

function unescaped(xml: string): string {
  return xml
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#10;', '\n')
    .replaceAll('&amp;', '&')
}
