/** `vmimage import FILE --name NAME`: a file of the user's own as the answer to requests by name. */
import { formatDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { titleOf } from '../image-facts.js'
import { importImage, type ImportedImage } from '../image/import-image.js'
import { inputText } from '../image/request-text.js'
import { type NamedRequest, parseRequest } from '../request/request.js'
import { type Command, type CommandOptions, withContext } from './command.js'
import { printRows, printValue } from './print.js'

export const importCommand: Command = {
  usage: 'import <file>',
  purpose: 'put a file of yours into the cache, for requests by name and without network',
  arguments: { file: 'qcow2 or raw, as it is or packed: .xz, .gz, .zst, .bz2, .tar.xz, .tar.gz' },
  options: {
    '--name <system>': 'the system that it is, as vmimage providers lists it, or one of your configuration',
    '--version <version>': 'its version: the file answers "name:version"; without, it answers "name"',
    '--build <build>': 'build or serial of the publisher',
    '--variant <name>': 'kind of image, where the publisher has several (debian: generic)',
    '--checksum <algorithm:hex>': 'digest that the file must have; makes it "pinned"',
    '--as <image...>': 'what else it answers, as fedora or "fedora:>=40"',
    '--json': 'print one JSON record',
  },
  action: ([file = ''], options) => importFile(file, options),
}

async function importFile(file: string, options: CommandOptions): Promise<void> {
  const { name, version, build, variant, checksum, as = [] } = options
  if (name === undefined) throw nameless(file)
  const described = namedRequest({ name, version, build, variant, checksum })
  const also = as.map((image) => sameSystem(namedRequest({ name: image }), described, image))
  await withContext(options, async (context) => {
    const imported = await importImage(file, described, also, context)
    if (options.json) printValue(jsonOf(imported))
    else printRows(rowsOf(imported))
  })
}

function rowsOf({ stored, facts, digest, answers }: ImportedImage): readonly (readonly string[])[] {
  return [
    ['name', titleOf(facts)],
    ['build', facts.build ?? '-'],
    ['arch', facts.arch],
    ['digest', digest],
    ['trust', facts.trust],
    ['path', stored.path],
    ...answers.map((request) => ['answers', answerText(request)]),
  ]
}

function jsonOf({ stored, facts, digest, answers }: ImportedImage) {
  return { ...stored.meta, ...facts, digest, path: stored.path, answers: answers.map(answerText) }
}

/** As it stands in a test; the checksum is shown short, as it is in the line above. */
function answerText(request: NamedRequest): string {
  const text = inputText({ ...request, arch: undefined })
  const { checksum } = request
  return checksum ? text.replace(formatDigest(checksum), `${formatDigest(checksum).slice(0, 15)}...`) : text
}

function namedRequest(input: Parameters<typeof parseRequest>[0]): NamedRequest {
  const request = parseRequest(input)
  if (request.kind === 'named') return request
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot import for "${request.kind === 'url' ? request.url : request.path}": it is no name of a system.\n` +
      'Give a name, as fedora or fedora:44; vmimage providers lists them.',
  )
}

/** A test that asks for Debian shall not get Fedora without a word. */
function sameSystem(request: NamedRequest, { provider }: NamedRequest, text: string): NamedRequest {
  if (request.provider === provider) return request
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot import ${provider.displayName} as "${text}": that is ${request.provider.displayName}.\n` +
      `Say --as ${provider.name}, with or without a version.`,
  )
}

function nameless(file: string): VmImageError {
  return new VmImageError(
    'INVALID_REQUEST',
    `Cannot import "${file}": nothing says which system it is.\n` +
      `Name it: vmimage import ${file} --name fedora --version 44. A system that is not in the list of vmimage providers needs a provider in vmimage.config.*; a test can also use the file by its path.`,
  )
}
