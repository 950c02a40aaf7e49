/** `vmimage providers`: every name that can be asked for. */
import { imageProviders } from '../providers/index.js'
import { providerColumns, providerRow } from '../providers/table.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const providersCommand: Command = {
  usage: 'providers',
  purpose: 'show the systems that can be asked for',
  options: { '--json': 'print one JSON array' },
  action: (_names, options) => listProviders(options),
}

async function listProviders(options: CommandOptions): Promise<void> {
  const providers = imageProviders.list()
  if (options.json) return printValue(providers)
  printRows([providerColumns.map((column) => column.toUpperCase()), ...providers.map(providerRow)])
}
