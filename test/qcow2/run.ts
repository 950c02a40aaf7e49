/**
 * The long forms of this folder's tests:
 *
 *     npm run test:qcow2 -- [--long] [--cases N] [--seed N] [--qemu DIR]
 *
 * --long goes through every combination of base, size and overlay; --cases makes so many hostile files; --qemu takes
 * QEMU's tools from that directory. Without any of them it is the form that `npm test` runs.
 */
import { spawnSync } from 'node:child_process'
import { delimiter } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    cases: { type: 'string' },
    seed: { type: 'string' },
    qemu: { type: 'string' },
  },
})
// The question is about one of them, when one of them is asked for.
const files = [
  ...(values.long ? ['test/qcow2/conformance'] : []),
  ...(values.cases === undefined ? [] : ['test/qcow2/hostile']),
]
const { status } = spawnSync('npx', ['vitest', 'run', ...(files.length === 0 ? ['test/qcow2'] : files)], {
  stdio: 'inherit',
  env: {
    ...process.env,
    ...(values.long && { VMIMAGE_QCOW2_LONG: '1' }),
    ...(values.cases !== undefined && { VMIMAGE_QCOW2_CASES: values.cases }),
    ...(values.seed !== undefined && { VMIMAGE_QCOW2_SEED: values.seed }),
    ...(values.qemu !== undefined && { PATH: `${values.qemu}${delimiter}${process.env['PATH'] ?? ''}` }),
  },
})
process.exitCode = status ?? 1
