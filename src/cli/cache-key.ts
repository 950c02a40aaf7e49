/** `vmimage cache-key`: what a CI service has to keep, and under which name. */
import { basename } from 'node:path'
import { VmImageError } from '../errors.js'
import type { LoadedConfig } from '../config/load-config.js'
import { isPlainFile } from '../request/is-plain-file.js'
import { requestKey } from '../request/request.js'
import { cacheLayout } from '../store/layout.js'
import { askedImages, scannable, scanning } from './asked-images.js'
import { type CiKey, ciKeyOf } from './ci-key.js'
import { type Command, type CommandOptions, withContext } from './command.js'
import { narrowing, requestOf } from './named-images.js'
import { pinText } from './pin-text.js'
import { printRows, printValue } from './print.js'

export const cacheKeyCommand: Command = {
  usage: 'cache-key [image...]',
  purpose: 'show the key and the paths for the cache of a CI service',
  arguments: { image: `as for fetch; ${scannable}` },
  options: {
    ...narrowing,
    ...scanning,
    '--github': 'lines for "$GITHUB_OUTPUT": key, path, restore-keys',
    '--json': 'print one JSON record',
  },
  action: printKey,
}

async function printKey(
  names: readonly string[],
  options: CommandOptions,
  config: LoadedConfig,
): Promise<void> {
  if (options.github && options.json) throw twoForms()
  const images = await askedImages(names, options, config, 'make a key', 'cache-key')
  await withContext(options, (context) => {
    const requests = images.map((image) => requestOf(image, options))
    // A plain file is used where it lies: the cache does not have it.
    const cached = requests.filter((request) => !isPlainFile(request))
    const layout = cacheLayout(context.cacheDir, context.shared)
    const key = ciKeyOf({
      requests: cached.map((request) => requestKey(request, context.arch)),
      pins: pinText(context, config),
      arch: context.arch,
      format: basename(layout.versionDir),
      platform: process.platform,
      now: context.now(),
    })
    // Nothing else there is of use to another machine: leases, locks, partial downloads.
    const paths = [layout.images, layout.resolved, layout.keys]
    if (options.github) printForGithub(key, paths)
    else if (options.json) printValue({ ...key, paths })
    else printRows(rowsOf(key, paths))
    return Promise.resolve()
  })
}

function twoForms(): VmImageError {
  return new VmImageError(
    'INVALID_REQUEST',
    'Cannot print the key as --json and for --github at once: they are two forms.\nRun the command with one of them.',
  )
}

function rowsOf({ key, restoreKeys }: CiKey, paths: readonly string[]): readonly (readonly string[])[] {
  return [
    ['key', key],
    ...restoreKeys.map((restoreKey) => ['restore-key', restoreKey]),
    ...paths.map((path) => ['path', path]),
  ]
}

/** The form of multi-line values in the files of GitHub's workflow commands. */
function printForGithub({ key, restoreKeys }: CiKey, paths: readonly string[]): void {
  const lines = [`key=${key}`, ...severalLines('path', paths), ...severalLines('restore-keys', restoreKeys)]
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
}

function severalLines(name: string, values: readonly string[]): readonly string[] {
  return [`${name}<<END_OF_VMIMAGE`, ...values, 'END_OF_VMIMAGE']
}
