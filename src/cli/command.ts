/** What a command is: a row of the table in commands.ts, and what its action gets. */
import { type Context, makeContext } from '../context.js'
import type { LoadedConfig } from '../config/load-config.js'
import type { Trust } from '../trust.js'
import { openProgress } from './progress.js'

/** Every option that a command may have, those of the whole program and those of the configuration file included. */
export interface CommandOptions {
  readonly cacheDir?: string | undefined
  readonly mirror?: string | undefined
  readonly arch?: string | undefined
  readonly offline?: boolean | undefined
  readonly variant?: string | undefined
  readonly build?: string | undefined
  readonly checksum?: string | undefined
  readonly minimumTrust?: Trust | undefined
  /** The system that a file is. */
  readonly name?: string | undefined
  readonly version?: string | undefined
  /** Requests that a file answers. */
  readonly as?: readonly string[] | undefined
  /** Every version and build. */
  readonly all?: boolean | undefined
  /** Each step on the way. */
  readonly explain?: boolean | undefined
  /** As GitHub Actions reads it. */
  readonly github?: boolean | undefined
  readonly pinFile?: string | undefined
  /** Only what is pinned. */
  readonly frozen?: boolean | undefined
  /** What the sources ask for. */
  readonly scan?: boolean | undefined
  /** Resolve pinned images anew. */
  readonly update?: boolean | undefined
  readonly remove?: boolean | undefined
  readonly json?: boolean | undefined
  /** As given, `20G`. */
  readonly maxSize?: string | undefined
  /** As given, `30d`. */
  readonly maxAge?: string | undefined
  readonly dryRun?: boolean | undefined
  /** Where the repaired copy of an image goes. */
  readonly repair?: string | undefined
  /** The base image of a disk. */
  readonly base?: string | undefined
  /** Of a file that is written, as given. */
  readonly format?: string | undefined
  readonly compress?: boolean | undefined
  /** Each changed range of a disk. */
  readonly ranges?: boolean | undefined
  readonly signal: AbortSignal
}

export interface Command {
  /** With its arguments: `fetch [image...]`. */
  readonly usage: string
  /** What it is for, in half a sentence. */
  readonly purpose: string
  /** What each argument is, in the order of `usage`. Default: there are none. */
  readonly arguments?: Readonly<Record<string, string>>
  /** Flags, as in `--variant <name>`, with their meaning. */
  readonly options: Readonly<Record<string, string>>
  readonly action: (names: readonly string[], options: CommandOptions, config: LoadedConfig) => Promise<void>
}

/** Runs `action` with what the options say, and shows progress on standard error. */
export async function withContext(
  options: CommandOptions,
  action: (context: Context) => Promise<void>,
): Promise<void> {
  using progress = openProgress(process.stderr, options.explain)
  const context = makeContext({ ...options, report: progress.report })
  try {
    await action(context)
  } finally {
    await context.http.close()
  }
}
