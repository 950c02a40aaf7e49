/** The table of all commands, in the order in which the help lists them. Each is a file of its own. */
import { cacheKeyCommand } from './cache-key.js'
import { changesCommand } from './changes.js'
import type { Command } from './command.js'
import { doctorCommand } from './doctor.js'
import { exportCommand } from './export.js'
import { fetchCommand } from './fetch.js'
import { importCommand } from './import.js'
import { infoCommand } from './info.js'
import { inspectCommand } from './inspect.js'
import { keepCommand } from './keep.js'
import { keptCommand } from './kept.js'
import { listCommand } from './list.js'
import { pinCommand } from './pin.js'
import { providersCommand } from './providers.js'
import { pruneCommand } from './prune.js'
import { resetCommand } from './reset.js'
import { resolveCommand } from './resolve.js'
import { rmCommand } from './rm.js'
import { verifyCommand } from './verify.js'

export const commands: readonly Command[] = [
  fetchCommand,
  importCommand,
  pinCommand,
  listCommand,
  verifyCommand,
  pruneCommand,
  rmCommand,
  resolveCommand,
  inspectCommand,
  keptCommand,
  keepCommand,
  infoCommand,
  changesCommand,
  exportCommand,
  resetCommand,
  providersCommand,
  doctorCommand,
  cacheKeyCommand,
]
