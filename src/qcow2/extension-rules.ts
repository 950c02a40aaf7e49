/** Rules Q12 and Q13: what else stands in the file, in the header's extensions and at the marks of other formats. */
import { findForeignFormat, hasAt, isoMarks, isoMarkOffset } from './foreign-formats.js'
import { extensionType, parseBitmapList, parseExtensions } from './header-extensions.js'
import { autoclear, clusterBytes, type Qcow2Header } from './header.js'
import { cures, isInside, type Qcow2Evidence, type Qcow2Rule, when } from './qcow2-rule.js'

const mostExtensions = 32
const mostBitmaps = 64
const mostBackingFormatBytes = 16
/** QEMU's own limit. */
const mostBitmapDirectoryBytes = 1024n * 65_535n

export const extensionRules: readonly Qcow2Rule[] = [
  {
    id: 'Q12-length',
    meaning: 'Header extensions end inside the first cluster and the first MiB.',
    cure: cures.damaged,
    find: (evidence) =>
      when(extensionsOf(evidence).fault === 'length', 'its header extensions run out of their place'),
  },
  {
    id: 'Q12-number',
    meaning: 'There are at most 32 header extensions.',
    cure: cures.damaged,
    find: (evidence) =>
      when(extensionsOf(evidence).fault === 'number', `it has more than ${mostExtensions} header extensions`),
  },
  {
    id: 'Q12-data-file',
    meaning: 'No header extension names an external data file.',
    cure: cures.rewrite,
    find: (evidence) =>
      when(hasExtension(evidence, extensionType.dataFileName), 'it names an external data file'),
  },
  {
    id: 'Q12-encryption',
    meaning: 'No header extension is about encryption.',
    cure: cures.rewrite,
    find: (evidence) =>
      when(hasExtension(evidence, extensionType.encryptionHeader), 'it has an encryption header'),
  },
  {
    id: 'Q12-backing-format',
    meaning:
      'The name of a backing format has fewer than 16 bytes, as QEMU wants it even without a backing file.',
    cure: cures.damaged,
    find: (evidence) =>
      when(
        extensionsOf(evidence).list.some(
          ({ type, data }) => type === extensionType.backingFormat && data.length >= mostBackingFormatBytes,
        ),
        'it names a backing format in 16 bytes or more',
      ),
  },
  {
    id: 'Q12-bitmaps',
    meaning: 'The image has at most 64 bitmaps, and a sound list of them.',
    cure: 'If you trust the file, remove them with: qemu-img bitmap --remove -f qcow2 FILE NAME',
    find: (evidence) => {
      const lists = extensionsOf(evidence).list.filter(({ type }) => type === extensionType.bitmaps)
      return when(
        lists.some(({ data }) => !areSoundBitmaps(evidence, data)),
        `it has more than ${mostBitmaps} bitmaps, or a broken list of them`,
      )
    },
  },
  {
    id: 'Q13-cd',
    meaning: 'The file is not a CD image too.',
    cure: cures.damaged,
    find: ({ head }) =>
      when(
        isoMarks.some((mark) => hasAt(head, mark, isoMarkOffset)),
        'it is a CD image too',
      ),
  },
  {
    id: 'Q13-disk',
    meaning: 'The file is not a VDI, VHD or DMG disk too.',
    cure: cures.damaged,
    find: ({ head, tail }) => {
      // A mark at the start is none: there stands the one of qcow2. CDs have a rule of their own.
      const foreign = findForeignFormat(head.subarray(0, isoMarkOffset), tail)
      return foreign && `it is a ${foreign.name} too`
    },
  },
  {
    id: 'Q13-boot',
    meaning: 'The file has not the mark of a boot sector too.',
    cure: cures.damaged,
    find: ({ head }) =>
      when(head.length >= 512 && head.readUInt16LE(510) === 0xaa55, 'it has the mark of a boot sector too'),
  },
]

/** The header extensions of an image, as far as they can be read. */
export function extensionsOf({
  header,
  head,
}: Pick<Qcow2Evidence, 'header' | 'head'>): ReturnType<typeof parseExtensions> {
  const bytes = Number(clusterBytes(header))
  return parseExtensions(head.subarray(header.headerBytes, bytes), {
    limit: mostExtensions,
    isCut: head.length < bytes,
  })
}

function hasExtension(evidence: Qcow2Evidence, wanted: number): boolean {
  return extensionsOf(evidence).list.some(({ type }) => type === wanted)
}

function areSoundBitmaps(
  { header, fileSizeBytes }: { readonly header: Qcow2Header; readonly fileSizeBytes: number },
  data: Buffer,
): boolean {
  const list = parseBitmapList(data)
  if (!list) return false
  // A program that knows no bitmaps has written to the image since, and QEMU does not read the list any more.
  if ((header.autoclearFeatures & autoclear.bitmaps) === 0n) return true
  return (
    list.count > 0 &&
    list.count <= mostBitmaps &&
    list.reserved === 0 &&
    list.directoryBytes > 0n &&
    list.directoryBytes <= mostBitmapDirectoryBytes &&
    isInside(header, list.directoryOffset, list.directoryBytes, fileSizeBytes)
  )
}
