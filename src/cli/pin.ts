/** `vmimage pin NAME...`: writes down which exact file each image is, moves that on, or forgets it. */
import { type Arch, hostArch, parseArch } from '../arch.js'
import { newPinFile } from '../config/find-pin-file.js'
import type { LoadedConfig } from '../config/load-config.js'
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import { isFixed } from '../image/fixed.js'
import { changePins, readPins, tidyPins } from '../image/pin-file.js'
import { notPinnable, pinImage } from '../image/pin-image.js'
import { readPinned } from '../image/pinned-request.js'
import { archOfKey, isSamePin, type Pin, pinKey, type Pins } from '../image/pins.js'
import { describeRequest, type ImageRequest } from '../request/request.js'
import { askedImages, scannable, scanning } from './asked-images.js'
import { type Command, type CommandOptions, withContext } from './command.js'
import { narrowing, refuseChecksumOfSeveral, requestOf } from './named-images.js'
import { changeRow, type PinChange } from './pin-change.js'
import { printRows, printValue } from './print.js'
import { throwAfterOthers } from './show-error.js'

export const pinCommand: Command = {
  usage: 'pin [image...]',
  purpose: 'write down which exact file each image is, for everybody who has the same commit',
  arguments: { image: `name (fedora), name and version (debian:13) or URL; ${scannable}` },
  options: {
    ...narrowing,
    ...scanning,
    '--update': 'move on to what the images are now; default: all that are pinned',
    '--remove': 'take the images out of the file',
    '--json': 'print one JSON array',
  },
  action: async (names, options, config) => {
    const arches = archesOf(options)
    // The architectures of a pin may be several; those of everything else are one.
    await withContext({ ...options, arch: arches[0] }, async (context) => {
      const file = context.pinFile ?? newPinFile(process.cwd(), config.file)
      const isArchGiven = options.arch !== undefined && options.arch !== config.options.arch
      const task = { file, pins: readPins(file) ?? {}, names, arches, isArchGiven, options, config }
      if (options.remove) await remove(task, context)
      else await pinAll(task, context)
    })
  },
}

interface Task {
  readonly file: string
  /** As they are before anything is done. */
  readonly pins: Pins
  readonly names: readonly string[]
  /** At least one. */
  readonly arches: readonly Arch[]
  readonly isArchGiven: boolean
  readonly options: CommandOptions
  readonly config: LoadedConfig
}

async function pinAll(task: Task, context: Context): Promise<void> {
  const { file, pins, options } = task
  const changes: PinChange[] = []
  const failures: unknown[] = []
  for (const [key, readRequest] of await requestsOf(task)) {
    const known = pins[key]
    if (known && !options.update) {
      changes.push({ request: key, change: 'unchanged', from: known, to: known })
      continue
    }
    // One that cannot be had keeps no other away, and what is written stays so.
    const change = await pinOne(key, readRequest, known, file, context).catch(
      (error: unknown) => void failures.push(error),
    )
    context.signal.throwIfAborted()
    if (change) changes.push(change)
  }
  await tidyPins(file, context.signal)
  show(changes, file, options)
  throwAfterOthers(failures)
}

async function pinOne(
  key: string,
  readRequest: () => ImageRequest,
  from: Pin | undefined,
  file: string,
  context: Context,
): Promise<PinChange> {
  const request = readRequest()
  if (request.kind === 'file') throw notPinnable(describeRequest(request))
  const to = await pinImage(request, from, context)
  if (from && isSamePin(from, to)) return { request: key, change: 'unchanged', from, to: from }
  await changePins(file, (pins) => ({ ...pins, [key]: to }), context.signal)
  return { request: key, change: from ? 'moved' : 'added', from, to }
}

/** What there is to do, by the key of each pin. A pin that can no longer be read, as its provider is gone, keeps no other away. */
async function requestsOf(task: Task): Promise<ReadonlyMap<string, () => ImageRequest>> {
  const { pins, names, arches, isArchGiven, options, config } = task
  if (options.update && names.length === 0) {
    const chosen = Object.entries(pins).filter(
      ([, { arch }]) => !isArchGiven || !arch || arches.includes(arch),
    )
    if (chosen.length === 0) throw nothingPinned(task)
    return new Map(chosen.map(([key, pin]) => [key, () => readPinned(pin.request, pin.arch)]))
  }
  const images = await askedImages(names, options, config, 'pin')
  refuseChecksumOfSeveral(images, options)
  const requests = images.map((image) => requestOf(image, options))
  // What the configuration says for itself needs no pin.
  const pinnable =
    names.length > 0 && !options.scan ? requests : requests.filter((request) => !isFixed(request))
  return new Map(
    pinnable.flatMap((request) =>
      archesFor(request, task).map((arch) => [pinKey(request, arch), () => ({ ...request, arch })] as const),
    ),
  )
}

/** Where one image is pinned for several architectures, they move together: all machines shall run the same build. */
function archesFor(request: ImageRequest, { pins, arches, isArchGiven, options }: Task): readonly Arch[] {
  if (request.arch !== undefined) return [request.arch]
  const pinned = Object.keys(pins).flatMap((key) => {
    const arch = archOfKey(key)
    return arch !== undefined && pinKey(request, arch) === key ? [arch] : []
  })
  return options.update && !isArchGiven && pinned.length > 0 ? pinned : arches
}

async function remove(task: Task, context: Context): Promise<void> {
  const { file, pins, names, options } = task
  if (options.update) throw usage('--remove and --update contradict each other', 'Give one of them')
  if (names.length === 0) throw usage('--remove takes the names of images', 'Name what is to be removed')
  const keys = names.flatMap((name) => keysNamed(name, task))
  await changePins(
    file,
    (now) => Object.fromEntries(Object.entries(now).filter(([key]) => !keys.includes(key))),
    context.signal,
  )
  show(
    keys.map((key) => ({ request: key, change: 'removed', from: pins[key], to: undefined })),
    file,
    options,
  )
}

/** The pins of a name, which may be that of a provider that nobody has any more. */
function keysNamed(name: string, { file, pins, arches, isArchGiven, options }: Task): readonly string[] {
  const fits = (key: string) => {
    const arch = archOfKey(key)
    if (arch === undefined || !isArchGiven || arches.includes(arch)) {
      return key === name || key === `${name} ${arch}` || key === keyOf(name, arch ?? hostArch(), options)
    }
    return false
  }
  const keys = Object.keys(pins).filter(fits)
  if (keys.length > 0) return keys
  throw usage(`"${name}" is not pinned in "${file}"`, `Pinned: ${Object.keys(pins).join(', ') || 'nothing'}`)
}

function keyOf(name: string, arch: Arch, options: CommandOptions): string | undefined {
  try {
    return pinKey(requestOf(name, options), arch)
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    return undefined
  }
}

function show(changes: readonly PinChange[], file: string, { json }: CommandOptions): void {
  if (json) printValue(changes)
  else printRows(changes.map(changeRow))
  const isWritten = changes.some(({ change }) => change !== 'unchanged')
  if (isWritten) process.stderr.write(`written to ${file}: commit it\n`)
}

/** `--arch x86_64,aarch64`. */
function archesOf({ arch }: CommandOptions): readonly [Arch, ...Arch[]] {
  const [first = hostArch(), ...others] =
    arch === undefined ? [] : arch.split(',').map((name) => parseArch(name))
  return [first, ...others]
}

function nothingPinned({ file, isArchGiven, arches }: Task): VmImageError {
  const what = isArchGiven ? ` for ${arches.join(', ')}` : ''
  return usage(`nothing is pinned${what} in "${file}"`, 'Pin something first: vmimage pin fedora')
}

function usage(problem: string, cure: string): VmImageError {
  return new VmImageError('INVALID_REQUEST', `Cannot change the pins: ${problem}.\n${cure}.`)
}
