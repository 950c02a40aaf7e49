/** What the doctor asks, and what it answers. A check looks first, and decides in a function of its own that only gets facts. */
import type { Context } from '../context.js'
import type { Environment } from '../environment.js'
import type { Options } from '../options.js'

export interface Finding {
  /** `note`: it works, and could be better or is good to know. `problem`: something will not work. */
  readonly level: 'ok' | 'note' | 'problem'
  readonly text: string
  /** What to do about it, as a command where there is one. */
  readonly cure?: string | undefined
}

/** Where the doctor looks. */
export interface Place {
  readonly context: Context
  readonly env: Environment
  /** Options of the command line and of the configuration file together, as the context was made from. */
  readonly options: Options
  /** Those of the file alone. */
  readonly fileOptions: Options
  /** Undefined: there is no configuration. */
  readonly configFile: string | undefined
  /** Undefined: there are no pins. */
  readonly pinFile: string | undefined
}

export interface Check {
  /** One word or two, the heading of its findings. */
  readonly topic: string
  /** Changes nothing on disk but a scratch directory that it removes. */
  readonly find: (place: Place) => readonly Finding[] | Promise<readonly Finding[]>
}
