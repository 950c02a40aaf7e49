/** Scope: what the names of a block mean, and those of the blocks around it. */
import { type Alternatives, unreadable } from './value.js'

export interface Scope {
  readonly names: Map<string, () => Alternatives>
  readonly parent: Scope | undefined
  readonly file: ScannedFile
}

/** What is known of the whole file. */
export interface ScannedFile {
  readonly code: string
  /** Names whose arrays or records are changed somewhere after they were made. */
  readonly changed: () => ReadonlySet<string>
  /** Whether a test's context may have the fixture of vmimage. */
  readonly mayHaveFixture: boolean
  /** Of the project's own files, as they are written. */
  readonly imports: Set<string>
  /** Counts down, so that loops in loops over long lists end. */
  budget: number
}

export function innerScope(parent: Scope): Scope {
  return { names: new Map(), parent, file: parent.file }
}

/** Undefined: no declaration is known, it is a global. */
export function findName(scope: Scope | undefined, name: string): Alternatives | undefined {
  return scope && (scope.names.get(name)?.() ?? findName(scope.parent, name))
}

/** A constant is read when it is first asked for; one that needs itself is nothing. */
export function lazily(read: () => Alternatives): () => Alternatives {
  let known: Alternatives | undefined
  return () => {
    if (known) return known
    known = unreadable
    return (known = read())
  }
}
