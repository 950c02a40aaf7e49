/** `vmimage verify [NAME...]`: every byte of the cache held against its digest; wrong images leave it. */
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import { titleOf } from '../image-facts.js'
import { isMeant } from '../image/is-meant.js'
import { type VerifiedImage, verifyImages } from '../image/verify-images.js'
import { sizeText } from '../progress-text.js'
import { parseRequest } from '../request/request.js'
import { type Command, type CommandOptions, withContext } from './command.js'
import { printRows, printValue } from './print.js'

export const verifyCommand: Command = {
  usage: 'verify [image...]',
  purpose: 'read every image of the cache and move away what is not as it was published',
  arguments: { image: 'name (fedora), name and version (debian:13), URL or file; default: all' },
  options: { '--json': 'print one JSON array' },
  action: (names, options) => verifyCache(names, options),
}

async function verifyCache(names: readonly string[], options: CommandOptions): Promise<void> {
  await withContext(options, async (context) => {
    const requests = names.map((name) => parseRequest(name))
    const isWanted =
      requests.length === 0
        ? undefined
        : (meta: Parameters<typeof isMeant>[1]) => requests.some((request) => isMeant(request, meta))
    const started = performance.now()
    const images: VerifiedImage[] = []
    for await (const image of verifyImages(isWanted, context)) {
      images.push(image)
      if (image.verdict !== 'right')
        context.report({ type: 'warning', message: `${image.path}: ${image.notes.join('; ')}` })
    }
    const missing = names.filter((_, index) => !images.some((image) => isNamed(requests[index], image)))
    if (options.json) printValue(images.map(jsonOf))
    else printTable(images, context)
    sayHowFast(images, performance.now() - started)
    throwWhatIsWrong(images, missing, context)
  })
}

function isNamed(request: Parameters<typeof isMeant>[0] | undefined, { meta }: VerifiedImage): boolean {
  return request !== undefined && meta !== undefined && isMeant(request, meta)
}

function jsonOf({ meta, ...image }: VerifiedImage) {
  return { ...meta, ...image }
}

const words = { right: 'ok', wrong: 'WRONG', unread: 'UNREAD' } as const

function printTable(images: readonly VerifiedImage[], { cacheDir }: Context): void {
  if (images.length === 0) return printRows([[`No images in ${cacheDir}.`]])
  const rows = images.map(({ verdict, meta, key, layer, ...image }) => [
    words[verdict],
    meta?.name ?? key,
    meta?.version || '-',
    meta?.build ?? '-',
    meta?.arch ?? '-',
    meta === undefined ? '-' : sizeText(meta.content.sizeBytes),
    [
      ...(layer === undefined ? [] : [`in ${layer}`]),
      ...image.notes,
      ...(image.movedTo === undefined ? [] : [`moved to ${image.movedTo}`]),
      ...(image.usedBy.length === 0 ? [] : [`in use by ${image.usedBy.join(', ')}, who keep these bytes`]),
    ].join('; ') || '-',
  ])
  printRows([['STATE', 'NAME', 'VERSION', 'BUILD', 'ARCH', 'SIZE', 'NOTES'], ...rows])
}

/** It is about the work, not a result: standard error. */
function sayHowFast(images: readonly VerifiedImage[], ms: number): void {
  const bytes = images.reduce((sum, { meta }) => sum + (meta?.content.sizeBytes ?? 0), 0)
  if (bytes === 0) return
  const rate = sizeText(bytes / Math.max(ms / 1000, 0.001))
  const seconds = Number((ms / 1000).toPrecision(2))
  process.stderr.write(`read ${sizeText(bytes)} in ${seconds} s (${rate}/s)\n`)
}

function curesOf(wrong: readonly VerifiedImage[]): string {
  const layers = new Set(wrong.flatMap(({ layer }) => layer ?? []))
  return [
    ...(wrong.some(({ layer }) => layer === undefined)
      ? [
          'What was moved away is fetched anew when it is asked for; the next run removes it, so copy it first to look at it.',
        ]
      : []),
    ...[...layers].map(
      (layer) =>
        `Leave out "${layer}" (extraCacheDirs) until its owner has run: vmimage --cache-dir "${layer}" verify.`,
    ),
    'Find out who wrote to it (root, "qemu-img commit"), or whether the disk fails (smartctl, dmesg).',
  ].join(' ')
}

function throwWhatIsWrong(
  images: readonly VerifiedImage[],
  missing: readonly string[],
  { cacheDir }: Context,
): void {
  const wrong = images.filter(({ verdict }) => verdict === 'wrong')
  if (wrong.length > 0) {
    const titles = wrong.map(({ meta, key }) => (meta ? titleOf(meta) : key)).join(', ')
    throw new VmImageError(
      'DIGEST_MISMATCH',
      `Cannot trust ${wrong.length} of ${images.length} images: ${titles} ${wrong.length === 1 ? 'is' : 'are'} not as published.\n` +
        curesOf(wrong),
    )
  }
  if (images.some(({ verdict }) => verdict === 'unread')) {
    throw new VmImageError(
      'CACHE_UNREADABLE',
      `Cannot read all images of "${cacheDir}": some belong to another user.\n` +
        'Make them readable, chmod -R a+rX, or run the command as their owner.',
    )
  }
  if (missing.length > 0) {
    throw new VmImageError(
      'NOT_CACHED',
      `Cannot verify ${missing.map((name) => `"${name}"`).join(', ')}: there is no such image in "${cacheDir}".\n` +
        'See what there is with: vmimage list',
    )
  }
}
