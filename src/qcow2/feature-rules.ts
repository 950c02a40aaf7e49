/** Rules Q9 to Q11: what the rest of the header says of the image, its features and its own length. */
import {
  autoclear,
  clusterBytes,
  hasFeature,
  headerBytesOfVersion2,
  incompatible,
  leastHeaderBytesOfVersion3,
  type Qcow2Header,
} from './header.js'
import { cures, type Qcow2Rule, when } from './qcow2-rule.js'
import { mostHeadBytes } from './read-image.js'

const knownFeatures = Object.values(incompatible).reduce((all, bit) => all | bit, 0n)
const leastClusterBitsOfExtendedL2 = 14

/** The one rule whose breach can be healed without loss, by repair.ts. */
export const ruleOfDirty: Qcow2Rule = {
  id: 'Q9-dirty',
  meaning: 'The image was closed properly: it is not marked dirty.',
  cure: 'An image of your own is repaired into a copy with: vmimage inspect FILE --repair NEW. Fetch any other again.',
  find: ({ header }) =>
    when(hasFeature(header, incompatible.dirty), 'it is marked dirty: it was not closed properly'),
}

export const featureRules: readonly Qcow2Rule[] = [
  ruleOfDirty,
  {
    id: 'Q9-corrupt',
    meaning: 'The image is not marked corrupt.',
    cure: 'Fetch the file again; of an image of your own save what is left: qemu-img convert -f qcow2 -O qcow2 OLD NEW',
    find: ({ header }) => when(hasFeature(header, incompatible.corrupt), 'it is marked corrupt'),
  },
  {
    id: 'Q9-data-file',
    meaning: 'The image keeps its data in itself, not in a file that it names.',
    cure: cures.rewrite,
    find: ({ header }) =>
      when(hasFeature(header, incompatible.externalDataFile), 'it keeps its data in another file'),
  },
  {
    id: 'Q9-unknown',
    meaning: 'The image needs no feature that is not known (bit 5 and above).',
    cure: 'A newer QEMU may write it anew: qemu-img convert -f qcow2 -O qcow2 OLD NEW',
    find: ({ header }) =>
      when(
        hasFeature(header, ~knownFeatures),
        `it needs unknown features (bits 0x${header.incompatibleFeatures.toString(16)})`,
      ),
  },
  {
    id: 'Q9-subclusters',
    meaning: 'Extended L2 entries stand in clusters of 16 KiB or more.',
    cure: cures.damaged,
    find: ({ header }) =>
      when(
        hasFeature(header, incompatible.extendedL2) && header.clusterBits < leastClusterBitsOfExtendedL2,
        'it has extended L2 entries with clusters below 16 KiB',
      ),
  },
  {
    id: 'Q10',
    meaning: 'The image does not call an external data file raw.',
    cure: cures.damaged,
    find: ({ header }) =>
      when((header.autoclearFeatures & autoclear.rawExternalData) !== 0n, 'it has raw external data'),
  },
  {
    id: 'Q11-refcounts',
    meaning: 'Refcounts have 1 to 64 bits.',
    cure: cures.damaged,
    find: ({ header: { refcountOrder } }) =>
      when(refcountOrder > 6, `its refcounts have 2 ** ${refcountOrder} bits`),
  },
  {
    id: 'Q11-header',
    meaning: 'The header has at least 104 bytes, a multiple of 8, and fits its cluster and 1 MiB.',
    cure: cures.damaged,
    find: ({ header }) => when(!isSoundLength(header), `its header has ${header.headerBytes} bytes`),
  },
  {
    id: 'Q11-compression',
    meaning: 'The compression type is the declared one: zlib, or zstd with its feature bit.',
    cure: cures.damaged,
    find: ({ header }) => {
      const declared = hasFeature(header, incompatible.compressionType) ? 1 : 0
      return when(
        header.compression !== declared,
        `its compression type is ${header.compression}, and ${declared} is declared`,
      )
    },
  },
]

function isSoundLength(header: Qcow2Header): boolean {
  const { headerBytes, version } = header
  const least = version === 2 ? headerBytesOfVersion2 : leastHeaderBytesOfVersion3
  const most = Math.min(mostHeadBytes, Number(clusterBytes(header)))
  return headerBytes >= least && headerBytes % 8 === 0 && headerBytes <= most
}
