/** The control's openDisks(): a project without vmimage. */
import type { Disks } from './look.js'

export async function openDisks(): Promise<Disks> {
  return { paths: [], look: () => 'gone', dispose: () => Promise.resolve() }
}
