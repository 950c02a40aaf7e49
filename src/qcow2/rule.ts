/**
 * A rule of the gate for base images, as data: what it wants, and what to do about a file that breaks it. Ids never
 * change their meaning, because people search for them.
 */
import { VmImageError, type VmImageErrorCode } from '../errors.js'

export interface Rule {
  readonly id: string
  /** What the rule wants, as one sentence. */
  readonly meaning: string
  /** What to do about a file that breaks it, as one sentence. */
  readonly cure: string
  /** Default UNSAFE_IMAGE. */
  readonly code?: Extract<VmImageErrorCode, 'UNSAFE_IMAGE' | 'UNSUPPORTED_IMAGE'> | undefined
}

/** A rule that a file breaks. */
export interface Breach {
  readonly rule: Rule
  /** How, as the middle of a sentence. */
  readonly found: string
  /** The rule's, or a closer one for what was found. */
  readonly cure: string
}

export function breach(rule: Rule, found: string, cure = rule.cure): Breach {
  return { rule, found, cure }
}

/** The refusal of the file at `path`. */
export function refusal(path: string, { rule, found, cure }: Breach): VmImageError {
  return new VmImageError(
    rule.code ?? 'UNSAFE_IMAGE',
    `Cannot use "${path}" as a base image: ${found}. Rule ${rule.id}: ${rule.meaning}\n${cure}`,
  )
}
