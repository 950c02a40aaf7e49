/**
 * Text names: the files that a plain text lists, one on each line. A name alone; a name and its size, as Gentoo writes it
 * (`di-amd64-cloudinit-20261004T164559Z.qcow2 1501626368`); or a line of a checksum file, which is all that Amazon has.
 */
import { parseChecksumLine } from './checksum-line.js'
import type { ListedName } from './listed-name.js'
import { signedPart } from './signed-part.js'
import { unreadable } from './unreadable.js'

/**
 * Reads the text that is at `url`. Lines that begin with `#` are comments.
 *
 * @throws VmImageError LISTING_UNREADABLE when it has a line of another kind, or no name of a file or directory.
 */
export function readTextNames(text: string, url: string): readonly ListedName[] {
  const lines = signedPart(text)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length === 0) throw unreadable(url, 'an empty page')
  const names = checksumNames(lines, url) ?? sizedNames(lines) ?? plainNames(lines, url)
  // A word alone, `Unauthorized`, is no name of an image and none of a directory.
  if (names.some(({ name }) => /\/$|\.\w/.test(name))) return names
  throw unreadable(url, `a text that begins with "${lines[0]?.slice(0, 80)}"`)
}

/** A checksum file has a name for each digest of an image, and lies in the directory itself. */
function checksumNames(lines: readonly string[], url: string): readonly ListedName[] | undefined {
  const names = lines.map((line) => parseChecksumLine(line)?.name)
  if (names.includes(undefined)) return undefined
  const [own] = /(?<=\/)[^/%]+$/.exec(new URL(url).pathname) ?? []
  return [...new Set([...names, own])].flatMap((name) => (name === undefined ? [] : [{ name }]))
}

function sizedNames(lines: readonly string[]): readonly ListedName[] | undefined {
  const names = lines.flatMap((line) => {
    const [, name, size] = /^(\S+)[ \t]+(\d{1,15})$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, sizeBytes: Number(size) }]
  })
  return names.length === lines.length ? names : undefined
}

function plainNames(lines: readonly string[], url: string): readonly ListedName[] {
  const strange = lines.find((line) => /\s/.test(line))
  if (strange !== undefined) throw unreadable(url, `a text with the line "${strange.slice(0, 80)}"`)
  return lines.map((line) => ({ name: line.replace(/^\.\//, '') }))
}
