/**
 * untar: the one disk in a tar archive, streamed, by GNU tar, which knows each of its own forms of sparse files. The
 * bytes go to a file of ours and nothing is written under a name of the archive's choosing, so it does not matter
 * where such a name leads: links, devices and `../` are refused because no publisher packs a disk with them.
 *
 * Source: the GNU tar manual, "Quoting Member Names". That the listing is on standard error where the bytes are on
 * standard output was seen 2026-11 with 1.34.
 */
import { VmImageError } from '../errors.js'
import { runProgram } from '../program.js'

export interface UntarOptions {
  /** The image's name, for errors. */
  readonly name: string
  readonly signal: AbortSignal
}

interface Member {
  /** The first letter of `ls -l`. */
  readonly type: string
  readonly name: string
}

/** `escape` keeps each member on one line; a tar that is not GNU's has no such option, and says so. */
const args = ['-xvvO', '--quoting-style=escape', '--numeric-owner', '-f', '-']

/** As tar lists a member: mode, owner, size or device numbers, date, time, name. */
const listed = /^(\S)\S{9,10} +\S+ +\S+ +\S+ +\S+ (.*)$/

const kinds: Readonly<Record<string, string>> = {
  l: 'a symbolic link',
  h: 'a hard link',
  b: 'a device',
  c: 'a device',
  p: 'a pipe',
}

/** How much of the archive's names a message quotes. */
const maxNames = 3
const maxNameLength = 100

/** tar stops at its end mark; what fills the last record behind it is 10 KiB, and more where somebody asked for that. */
const maxPaddingBytes = 16 * 2 ** 20

/**
 * The bytes of the regular file in `archive`, holes as zeros. What they are worth is known at the end only: all files
 * come out one after the other before the archive is found to hold more than one.
 *
 * @throws VmImageError DECOMPRESSION_FAILED when it holds anything but one regular file and directories, TOOL_MISSING
 * without tar, TOOL_FAILED when it is cut off or damaged; what `archive` throws goes first.
 */
export async function* untar(
  archive: AsyncIterable<Uint8Array>,
  { name, signal }: UntarOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const input = watch(archive)
  try {
    const listing = yield* runProgram('tar', args, { stdin: withoutEnd(input.bytes), signal })
    await readPadding(input, name)
    refuseOthers(membersIn(listing), name)
  } catch (error) {
    // tar can only say that its input ended too early.
    throw input.broken === undefined ? error : input.broken.error
  } finally {
    await input.bytes.return()
  }
}

interface Input {
  readonly bytes: AsyncGenerator<Uint8Array, void>
  /** What broke it, whoever was reading then: tar's end of the pipe may be gone, and nobody listens there. */
  broken: { readonly error: unknown } | undefined
}

function watch(archive: AsyncIterable<Uint8Array>): Input {
  const input: Input = { bytes: read(), broken: undefined }
  async function* read() {
    try {
      yield* archive
    } catch (error) {
      input.broken = { error }
      throw error
    }
  }
  return input
}

/** Gives `bytes` to a reader who may leave early, without ending them. */
async function* withoutEnd(bytes: AsyncGenerator<Uint8Array, void>) {
  for (let next = await bytes.next(); next.done !== true; next = await bytes.next()) yield next.value
}

/** The checksum of a packed file comes after the last byte, so whoever does not read to the end has checked nothing. */
async function readPadding(input: Input, name: string): Promise<void> {
  let size = 0
  for await (const piece of input.bytes) {
    size += piece.length
    if (size > maxPaddingBytes) throw failure(name, 'goes on after its end')
  }
  if (input.broken) throw input.broken.error
}

/** Lines of another form are warnings. */
function membersIn(listing: string): readonly Member[] {
  return listing.split('\n').flatMap((line) => {
    const [, type = '', name = ''] = listed.exec(line) ?? []
    return type === '' ? [] : [{ type, name }]
  })
}

function refuseOthers(members: readonly Member[], name: string): void {
  const rest = members.filter(({ type }) => type !== 'd')
  if (rest.length === 1 && rest[0]?.type === '-') return
  const more = rest.length > maxNames ? ` and ${rest.length - maxNames} more` : ''
  const found = rest.length === 0 ? 'no file' : rest.slice(0, maxNames).map(describe).join(', ') + more
  throw failure(name, `holds ${found}`)
}

function failure(name: string, found: string): VmImageError {
  return new VmImageError(
    'DECOMPRESSION_FAILED',
    `Cannot unpack "${name}": its archive ${found}; expected one regular file, the disk.\n` +
      'Unpack it by hand, and ask for the disk by its path.',
  )
}

function describe({ type, name }: Member): string {
  const quoted = `"${name.slice(0, maxNameLength)}"`
  return type === '-' ? quoted : `${quoted} (${kinds[type] ?? 'no regular file'})`
}
