/**
 * bench/cache: what the cache costs when it is warm, what it saves when it is cold, and how long a death costs.
 *
 *     npx tsx bench/cache.ts [warm] [imports] [cold] [takeover]     default: all of them
 */
import { benchCold } from './cache-cold.js'
import { benchImports } from './cache-imports.js'
import { benchTakeover } from './cache-takeover.js'
import { benchWarm } from './cache-warm.js'

const parts: Readonly<Record<string, () => Promise<void>>> = {
  warm: benchWarm,
  imports: benchImports,
  cold: benchCold,
  takeover: benchTakeover,
}
const asked = process.argv.slice(2)
for (const name of asked.length > 0 ? asked : Object.keys(parts)) {
  const part = parts[name]
  if (!part) throw new Error(`There is no part "${name}"; there are ${Object.keys(parts).join(', ')}.`)
  await part()
}
