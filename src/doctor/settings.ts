/** What counts: each option's value, and who said it. */
import type { Context } from '../context.js'
import type { Environment } from '../environment.js'
import { variables } from '../options.js'
import { sizeText } from '../progress-text.js'
import type { Check, Finding, Place } from './check.js'
import { withoutPassword } from './without-password.js'

/** What each option is after all was read, as people write it. */
const values: Readonly<Record<Setting, (context: Context) => string>> = {
  cacheDir: ({ cacheDir }) => cacheDir,
  overlayDir: ({ overlayDir }) => overlayDir,
  extraCacheDirs: ({ extraCacheDirs }) => extraCacheDirs.join(', ') || 'none',
  offline: ({ offline }) => String(offline),
  arch: ({ arch }) => arch,
  mirror: ({ mirror }) => (mirror === undefined ? 'none' : withoutPassword(mirror)),
  maxResolveAgeHours: ({ maxResolveAgeMs }) => String(maxResolveAgeMs / 3_600_000),
  keep: ({ keep }) => keep,
  keepLast: ({ keepLast }) => String(keepLast),
  keepMaxSize: ({ keepMaxBytes }) => sizeText(keepMaxBytes),
  onUnavailable: ({ onUnavailable }) => onUnavailable,
  pinFile: ({ pinFile }) => pinFile ?? 'the nearest vmimage.lock.json',
  frozen: ({ frozen, isCi }) =>
    frozen === undefined ? `only with pins and CI (CI is ${isCi ? '' : 'not '}set)` : String(frozen),
  collect: ({ collect }) => String(collect),
  maxCacheSize: ({ maxCacheBytes }) => sizeText(maxCacheBytes),
  maxCacheAgeDays: ({ maxCacheAgeMs }) => String(maxCacheAgeMs / 86_400_000),
  shared: ({ shared }) => String(shared),
  minimumTrust: ({ minimumTrust }) => minimumTrust,
}

type Setting = keyof typeof variables | 'arch'

export const settingsCheck: Check = { topic: 'settings', find: judgeSettings }

export function judgeSettings(
  place: Pick<Place, 'context' | 'env' | 'options' | 'fileOptions' | 'configFile' | 'pinFile'>,
): readonly Finding[] {
  const { configFile, pinFile, context } = place
  const settings = Object.entries(values).map(([name, valueOf]) => ({
    level: 'ok' as const,
    text: `${name} = ${valueOf(context)}  (${originOf(name as Setting, place)})`, // the keys of `values`
  }))
  return [
    {
      level: 'ok',
      text: configFile === undefined ? 'no configuration file' : `configuration: ${configFile}`,
    },
    { level: 'ok', text: pinFile === undefined ? 'no pins' : `pins: ${pinFile}` },
    ...settings,
  ]
}

/** An option wins over its variable, and that over the file. */
function originOf(
  name: Setting,
  { env, options, fileOptions, configFile }: Pick<Place, 'env' | 'options' | 'fileOptions' | 'configFile'>,
): string {
  const variable = variableOf(name, env)
  const option = options[name]
  if (option !== undefined && (variable !== undefined || option !== fileOptions[name])) return 'option'
  if (variable !== undefined) return variable
  return option === undefined ? 'default' : (configFile ?? 'configuration')
}

function variableOf(name: Setting, env: Environment): string | undefined {
  const variable = name === 'arch' ? undefined : variables[name]
  return variable !== undefined && env[variable] ? variable : undefined
}
