/**
 * The gate: every rule that a file keeps before it may be a base image. A base comes from the network, and QEMU
 * follows what it names: a backing file or a data file can be any file of this machine.
 *
 * The rules for qcow2 are in qcow2-rules.ts; here are those for every file and for raw disks. docs/cache.md lists all.
 */
import { headerRules, qcow2Rules } from './qcow2-rules.js'
import type { Rule } from './rule.js'

export const fileRules = {
  S1: {
    id: 'S1',
    meaning: 'A base is a regular file, not a link, a directory, a device or a pipe.',
    cure: 'Give the path of the file itself; `realpath` follows links.',
  },
  S2: {
    id: 'S2',
    meaning: 'The bytes are in the format that was declared for them.',
    cure: 'Correct the declared format, or look at what was downloaded: it may be a page that reports an error.',
  },
  W1: {
    id: 'W1',
    meaning:
      'A raw disk is not empty; a size that is no multiple of 512 bytes is rounded up, with a warning.',
    cure: 'The file is empty: fetch it again.',
  },
  W2: {
    id: 'W2',
    meaning: 'A raw disk has not the marks of another format.',
    cure: 'Make a qcow2 or raw file of it first.',
    code: 'UNSUPPORTED_IMAGE',
  },
  W3: {
    id: 'W3',
    meaning: 'A raw disk has a sound partition table; without one there is a warning, and no refusal.',
    cure: 'If it is a bare file system, all is well; otherwise look at what was downloaded.',
  },
} as const satisfies Record<string, Rule>

/** Every rule, in the order in which they are asked. */
export const gateRules: readonly Rule[] = [
  fileRules.S1,
  fileRules.W2,
  fileRules.S2,
  ...Object.values(headerRules),
  ...qcow2Rules,
  fileRules.W1,
  fileRules.W3,
]
