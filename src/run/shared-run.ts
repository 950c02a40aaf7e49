/**
 * One run for all who start one in this process with the same settings: Vitest calls the global setup once for each
 * project, and all of them shall see one build of each system, one set of signal handlers and one directory.
 */
import type { Context } from '../context.js'
import { packageVersion } from '../package-version.js'
import { processWide } from './process-wide.js'
import { type Run, type RunOptions, startRun } from './run.js'

interface SharedRun {
  readonly starting: Promise<Run>
  users: number
}

/**
 * Joins the run of this process, or starts it, and fetches what `options` adds to it. The run ends when all who
 * joined have closed it.
 *
 * @throws like {@link startRun}.
 */
export async function joinRun(options: RunOptions, context: Context): Promise<Run> {
  const runs = registry()
  const settings = settingsOf(context)
  const shared = runs.get(settings) ?? { starting: startRun({ images: [] }, context), users: 0 }
  runs.set(settings, shared)
  shared.users += 1
  let run: Run | undefined
  let isMember = true
  const close = () => {
    if (!isMember) return
    isMember = false
    shared.users -= 1
    if (shared.users > 0) return
    runs.delete(settings)
    run?.close()
  }
  try {
    const started = await shared.starting
    run = started
    await started.add(options)
    return {
      get info() {
        return started.info
      },
      add: (more) => started.add(more),
      startAgain: () => started.startAgain(),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/** What makes two contexts ask for different runs. */
function settingsOf(context: Context): string {
  const { http: _http, report: _report, signal: _signal, now: _now, ...settings } = context
  return JSON.stringify(settings)
}

function registry(): Map<string, SharedRun> {
  return processWide(`vmimage.runs.${packageVersion}`, () => new Map())
}
