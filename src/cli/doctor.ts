/** `vmimage doctor`: what could keep images away, or guests slow, on this machine; each with its cure. */
import type { LoadedConfig } from '../config/load-config.js'
import { currentEnvironment } from '../environment.js'
import type { Finding, Place } from '../doctor/check.js'
import { checks } from '../doctor/checks.js'
import { type Command, type CommandOptions, withContext } from './command.js'
import { exitCodes } from './exit-code.js'
import { findPinFile } from './pin-text.js'
import { printRows, printValue } from './print.js'

export const doctorCommand: Command = {
  usage: 'doctor',
  purpose: 'look at this machine: programs, KVM, directories, network, clock, settings, leftovers',
  options: { '--json': 'print one JSON array' },
  action: (_names, options, config) => examine(options, config),
}

interface Told extends Finding {
  readonly topic: string
}

async function examine(options: CommandOptions, config: LoadedConfig): Promise<void> {
  await withContext(options, async (context) => {
    const place: Place = {
      context,
      env: currentEnvironment(),
      options,
      fileOptions: config.options,
      configFile: config.file,
      pinFile: findPinFile(context, config),
    }
    const findings: Told[] = []
    for (const { topic, find } of checks) {
      findings.push(...(await find(place)).map((finding) => ({ topic, ...finding })))
    }
    if (options.json) printValue(findings)
    else printFindings(findings)
    if (findings.some(({ level }) => level === 'problem')) process.exitCode = exitCodes.failure
  })
}

const words = { ok: 'ok', note: 'note', problem: 'PROBLEM' } as const

function printFindings(findings: readonly Told[]): void {
  printRows(
    findings.flatMap(({ level, topic, text, cure }) => [
      [words[level], topic, text],
      ...(cure === undefined ? [] : [['', '', `  cure: ${cure}`]]),
    ]),
  )
  const counted = (['problem', 'note'] as const).map((wanted) => {
    const count = findings.filter(({ level }) => level === wanted).length
    return `${count} ${wanted}${count === 1 ? '' : 's'}`
  })
  process.stdout.write(`\n${counted.join(', ')}\n`)
}
