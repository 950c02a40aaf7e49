/**
 * Code that runs where the system itself is another one: with a host name or mounts of its own, in namespaces that
 * need no root (user_namespaces(7)).
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Whether this system lets a user unshare; containers often do not. */
export const canUnshare = await run('unshare', ['-rmu', 'true']).then(
  () => true,
  () => false,
)

/**
 * Runs the shell command `prepare`, then `code`, an ES module with `source()` as in worker.ts; resolves with what it
 * printed.
 */
export async function runUnshared(prepare: string, code: string): Promise<string> {
  const root = new URL('../../', import.meta.url)
  const source = `const source = (path) => import(new URL('src/' + path, ${JSON.stringify(root.href)}).href)\n`
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', source + code]
  const shell = ['sh', '-c', `${prepare} && exec "$@"`, 'sh', ...node]
  const { stdout } = await run('unshare', ['-rmu', ...shell], { cwd: root })
  return stdout.trim()
}
