/** Being another user: what root does in a test proves nothing about permissions, which root need not heed. */
import { chmodSync, chownSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export const isRoot = process.getuid?.() === 0
/** The user `nobody`, who exists on every Linux. */
export const nobodyId = 65_534

/** Code that makes a worker of root's become nobody. Imports come before it: nobody may not read the sources. */
export const becomeNobody = `process.setgroups([]); process.setgid(${nobodyId}); process.setuid(${nobodyId});`

/** `chown -R nobody` */
export function giveToNobody(directory: string): void {
  for (const path of everythingIn(directory)) chownSync(path, nobodyId, nobodyId)
}

/** `chmod -R a+rX,go-w` */
export function showToAll(directory: string): void {
  for (const path of everythingIn(directory)) chmodSync(path, lstatSync(path).isDirectory() ? 0o755 : 0o444)
}

function everythingIn(directory: string): readonly string[] {
  return [
    directory,
    ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name)),
  ]
}
