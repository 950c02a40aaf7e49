/** The table of all checks, in the order in which their findings are shown. */
import type { Check } from './check.js'
import { clockCheck } from './clock.js'
import { directoriesCheck } from './directories.js'
import { kvmCheck } from './kvm.js'
import { leftoversCheck } from './leftovers.js'
import { networkCheck } from './network.js'
import { programsCheck } from './programs.js'
import { resolutionsCheck } from './resolutions.js'
import { settingsCheck } from './settings.js'

export const checks: readonly Check[] = [
  programsCheck,
  kvmCheck,
  directoriesCheck,
  networkCheck,
  clockCheck,
  settingsCheck,
  resolutionsCheck,
  leftoversCheck,
]
