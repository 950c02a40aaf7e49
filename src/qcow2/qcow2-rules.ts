/**
 * Rules Q1 to Q13: what a qcow2 file keeps before it may be a base image, in the order in which they are asked. Here
 * are the first five, which are about the disk as a whole; each may rely on those before it.
 */
import { extensionRules } from './extension-rules.js'
import { featureRules } from './feature-rules.js'
import { cures, type Qcow2Evidence, type Qcow2Rule, when } from './qcow2-rule.js'
import { type Breach, breach, type Rule } from './rule.js'
import { tableRules } from './table-rules.js'

/** Asked before all others: without a header there is nothing to ask about. */
export const headerRules = {
  cut: {
    id: 'Q1',
    meaning: 'A qcow2 file has a whole header.',
    cure: 'The file was cut short: fetch it again.',
    code: 'UNSUPPORTED_IMAGE',
  },
  version: {
    id: 'Q1-version',
    meaning: 'A qcow2 file is of version 2 or 3.',
    cure: 'An old version that you trust is converted with: qemu-img convert -O qcow2 OLD NEW',
    code: 'UNSUPPORTED_IMAGE',
  },
} as const satisfies Record<string, Rule>

/** Without it no place in the file can be computed, so no later rule is asked of a file that breaks it. */
const ruleOfClusters: Qcow2Rule = {
  id: 'Q3',
  meaning: 'Clusters have 512 bytes to 2 MiB (9 to 21 bits).',
  cure: cures.damaged,
  find: ({ header: { clusterBits } }) =>
    when(clusterBits < 9 || clusterBits > 21, `its clusters have ${clusterBits} bits`),
}

export const qcow2Rules: readonly Qcow2Rule[] = [
  {
    id: 'Q2',
    meaning: 'A base stands alone: it names no backing file, which could be any file of this machine.',
    cure: cures.rewrite,
    find: ({ header }) =>
      when(header.backingNameOffset !== 0n || header.backingNameBytes !== 0, 'it names a backing file'),
  },
  ruleOfClusters,
  {
    id: 'Q4-zero',
    meaning: 'The disk has a size above 0.',
    cure: cures.damaged,
    find: ({ header: { virtualSizeBytes } }) => when(virtualSizeBytes === 0n, 'its disk has 0 bytes'),
  },
  {
    id: 'Q4-sectors',
    meaning: 'The size of the disk is a multiple of 512: QEMU loses the rest.',
    cure: cures.damaged,
    find: ({ header: { virtualSizeBytes } }) =>
      when(virtualSizeBytes % 512n !== 0n, `its disk has ${virtualSizeBytes} bytes`),
  },
  {
    id: 'Q4-limit',
    meaning: 'The size of the disk is within the limit (4 TiB by default).',
    cure: 'Fetch the file again from its publisher; a disk beyond the limit cannot be a base.',
    find: ({ header: { virtualSizeBytes }, maxVirtualSizeBytes }) =>
      when(
        virtualSizeBytes > BigInt(maxVirtualSizeBytes),
        `its disk has ${virtualSizeBytes} bytes (limit ${maxVirtualSizeBytes})`,
      ),
  },
  {
    id: 'Q5',
    meaning: 'The image is not encrypted.',
    cure: 'Decrypt it into a new file with qemu-img convert and its --object secret.',
    find: ({ header: { encryption } }) => when(encryption !== 0, `it is encrypted (method ${encryption})`),
  },
  ...tableRules,
  ...featureRules,
  ...extensionRules,
]

/** Every rule that the file breaks, in order. */
export function* findBreaches(evidence: Qcow2Evidence): Generator<Breach, void, undefined> {
  for (const rule of qcow2Rules) {
    const found = rule.find(evidence)
    if (found === undefined) continue
    yield breach(rule, found)
    if (rule === ruleOfClusters) return
  }
}
