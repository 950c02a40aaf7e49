#!/usr/bin/env node
/** The command `vmimage`: parses, runs one command, and ends with a code that scripts can branch on. */
import { Command, CommanderError, Option } from 'commander'
import { loadConfig } from '../config/load-config.js'
import { overFile } from '../context.js'
import { packageVersion } from '../package-version.js'
import { imageProviders } from '../providers/index.js'
import { trustNames } from '../trust.js'
import type { Command as CommandDefinition } from './command.js'
import { commands } from './commands.js'
import { exitCodes, exitCodeOf } from './exit-code.js'
import { explainError } from './explain-error.js'
import { showError } from './show-error.js'

/** Of every command, and written before or behind its name. */
const sharedOptions: Readonly<Record<string, string>> = {
  '--config <file>': 'configuration (VMIMAGE_CONFIG; default: the nearest vmimage.config.*)',
  '--cache-dir <dir>': 'where base images are cached (VMIMAGE_CACHE_DIR)',
  '--mirror <url>': 'ask this mirror in place of every https site (VMIMAGE_MIRROR)',
  '--arch <name>': 'architecture: x86_64, aarch64, ... (default: this machine); for pin several, with commas',
  '--offline': 'never use the network (VMIMAGE_OFFLINE)',
  '--minimum-trust <level>': `what an image must at least be: ${trustNames} (VMIMAGE_MINIMUM_TRUST)`,
  '--pin-file <file>': 'the pins (VMIMAGE_PIN_FILE; default: the nearest vmimage.lock.json)',
}

const sharedNames = Object.keys(sharedOptions)
  .map((flags) => flags.split(' ', 1)[0])
  .join(', ')

const program = new Command('vmimage')
  .description('Base images of real operating systems: found at their publishers, verified, cached once.')
  .version(packageVersion)
  // `import` has a --version of its own: what stands behind a command is that command's.
  .enablePositionalOptions()
  .showHelpAfterError('Run vmimage --help, or vmimage <command> --help.')
  .exitOverride()
  .addHelpText('after', help())

for (const [flags, meaning] of Object.entries(sharedOptions)) program.option(flags, meaning)

for (const { usage, purpose, arguments: described = {}, options, action } of commands) {
  const command = program.command(usage).description(purpose).action(run(action))
  for (const argument of command.registeredArguments) argument.description = described[argument.name()] ?? ''
  for (const [flags, meaning] of Object.entries(options)) command.option(flags, meaning)
  for (const [flags, meaning] of Object.entries(sharedOptions))
    command.addOption(new Option(flags, meaning).hideHelp())
  command.addHelpText('after', `\nOf every command, as vmimage --help describes them: ${sharedNames}`)
}

// `vmimage list | head -1`: who reads has had enough, and that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

try {
  await program.parseAsync()
} catch (error) {
  // Commander has printed what it has to say: the help, or what is wrong with the arguments.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage
  else throw error
}

/** Ctrl-C ends the waits, not the process: what has arrived of a download stays for the next try. */
function run(action: CommandDefinition['action']) {
  return async (...received: unknown[]): Promise<void> => {
    const command = received.at(-1) as Command // Commander's last argument is the command itself
    const interrupt = new AbortController()
    const onSignal = () => interrupt.abort()
    // on(), not once(): proper-lockfile ends the process by itself when it finds no other listener than its own.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal)
    try {
      // The later word counts: `vmimage --arch x86_64 fetch --arch aarch64`.
      const { config: file, ...flags } = { ...program.opts<{ config?: string }>(), ...command.opts() }
      const config = await loadConfig(process.cwd(), file)
      for (const provider of config.providers) imageProviders.add(provider)
      const options = { ...overFile(flags, config.options), signal: interrupt.signal }
      await action(command.args, options, config)
    } catch (thrown) {
      const error = explainError(thrown)
      process.exitCode = interrupt.signal.aborted ? exitCodes.interrupted : exitCodeOf(error)
      if (!interrupt.signal.aborted) showError(error)
    } finally {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, onSignal)
    }
  }
}

function help(): string {
  return `
Examples:
  vmimage fetch fedora debian:13     before a test run, or in a CI cache step
  vmimage fetch                      the images of vmimage.config.* and VMIMAGE_IMAGES
  vmimage fetch --scan test          the images that the tests in a directory ask for
  vmimage pin                        write down which builds these are now, for everybody
  vmimage pin --update fedora        move on to the newest build
  vmimage fetch --frozen             the pinned builds, and nothing else
  vmimage resolve fedora --json      url, digest and size of the newest build
  vmimage resolve debian:13 --all    every build that there is
  vmimage resolve fedora --explain   why it is this one
  vmimage import disk.qcow2 --name fedora --version 44   a file of yours, for "fedora:44"
  vmimage list                       what is cached, how large it is, and who uses it
  vmimage verify                     whether every cached image is still as it was published
  vmimage prune --dry-run            what a collection would remove, and why
  vmimage rm debian:12               one system's images, if nobody uses them
  vmimage inspect disk.qcow2         what a file is, and whether it could be a base image
  vmimage kept                       the disks of failed tests, and how to boot them
  vmimage changes boots-fedora-1     how much a test wrote to its disk
  vmimage export boots-fedora-1 disk.vmdk --format vmdk   one of them as a file for another hypervisor
  vmimage doctor                     what is wrong with this machine, and what to do about it

Exit codes:
  0  done
  1  something else failed; the message says what (of inspect: the file would be refused)
  2  the command, the name of an image or the configuration is wrong; not pinned, with --frozen
  3  there is no such image: at the publisher (or no longer the pinned one), or in the cache
  4  the network (or its absence: --offline)
  5  the bytes are not to be trusted: wrong digest, wrong or missing signature, unsafe image
  130  interrupted`
}
