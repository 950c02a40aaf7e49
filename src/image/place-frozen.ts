/** placeFrozen: a disk that was forked gets a second name, in another directory where something that stands on it goes. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { stampOf } from '../store/stamp.js'
import type { FrozenDisk } from './disk-state.js'
import { linkOrCopy } from './link-or-copy.js'

/** The same file in `to`, or where the file system has no links a copy of it, which has a stamp of its own. */
export function placeFrozen({ name, frozenAs }: FrozenDisk, from: string, to: string): FrozenDisk {
  const [path, target] = [join(from, name), join(to, name)]
  linkOrCopy(path, target)
  const [one, other] = [statSync(path, { bigint: true }), statSync(target, { bigint: true })]
  if (one.ino === other.ino && one.dev === other.dev) return { name, frozenAs }
  return { name, frozenAs: stampOf(target) ?? frozenAs }
}
