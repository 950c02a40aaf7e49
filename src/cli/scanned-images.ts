/** What the sources of this project ask for, and what people are told of it: `--scan`. */
import { stat } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import type { LoadedConfig } from '../config/load-config.js'
import { imagesFromEnvironment } from '../context.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { isPlainFile } from '../request/is-plain-file.js'
import { type ImageInput, parseRequest } from '../request/request.js'
import { findSources } from '../scan/find-sources.js'
import { inputSource } from '../scan/image-input.js'
import { type FilesScan, scanFiles } from '../scan/scan-files.js'
import { unreadText } from '../scan/unread-text.js'

/**
 * The images of the sources, then those of the configuration and of `VMIMAGE_IMAGES`. Standard error says which were
 * found where, and what could not be read: that fails nothing, as the test that asks for it will say what is wrong.
 *
 * @param action what they are wanted for, for the message: `fetch`.
 * @param paths directories and files. Default: the current directory.
 * @throws VmImageError INVALID_REQUEST when there are none, or a path does not exist.
 */
export async function scannedImages(
  paths: readonly string[],
  config: LoadedConfig,
  action: string,
): Promise<readonly ImageInput[]> {
  const places = paths.length > 0 ? paths : ['.']
  const files = await Promise.all(places.map(sourcesOf))
  const scan = await scanFiles(files.flat())
  tell(scan)
  const found = scan.images.filter(isUnderstood)
  const images = [
    // A test may have to make a plain file first.
    ...found.map(({ input }) => input).filter((input) => !isPlainFile(parseRequest(input))),
    ...config.images,
    ...imagesFromEnvironment(),
  ]
  if (images.length > 0) return images
  const what = found.length === 0 ? 'no image' : 'no image but files of this machine'
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot ${action}: ${scan.fileCount} source files from "${places.join('", "')}" on ask for ${what}, and ` +
      `${config.file === undefined ? 'there is no configuration' : `"${config.file}" lists none`}.\n` +
      'Name the directory with the tests, --scan test, or an image, fedora.',
  )
}

async function sourcesOf(path: string): Promise<readonly string[]> {
  try {
    return (await stat(path)).isDirectory() ? await findSources(path) : [path]
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    throw new VmImageError(
      'INVALID_REQUEST',
      `Cannot scan "${path}": ${code === 'ENOENT' ? 'it does not exist' : code}, expected a directory or a source file.\n` +
        'With --scan a command takes paths; names of images go without it.',
      { cause: error },
    )
  }
}

/** A name that nobody has may be one of a provider that only the tests know, or a test of the error. */
function isUnderstood({ input, places }: FilesScan['images'][number]): boolean {
  try {
    parseRequest(input)
    return true
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    say(`vmimage: ${placesText(places)}: [${error.code}] ${error.message.split('\n', 1).join('')}`)
    return false
  }
}

function tell({ images, unread, problems }: FilesScan): void {
  for (const { input, places } of images) say(`found ${inputSource(input)} at ${placesText(places)}`)
  for (const { place, message } of problems) say(`vmimage: cannot read ${place}: ${message}`)
  const left = unreadText(unread)
  if (left !== undefined) say(`vmimage: ${left}`)
}

function placesText(places: readonly string[]): string {
  const others = places.length > maxPlaces ? ` and ${places.length - maxPlaces} more` : ''
  return places.slice(0, maxPlaces).join(', ') + others
}

/** What sources hold shall not be obeyed by a terminal. */
function say(line: string): void {
  process.stderr.write(`${stripVTControlCharacters(line).replaceAll(/[\p{Cc}\p{Cf}]/gu, '?')}\n`)
}

const maxPlaces = 3
