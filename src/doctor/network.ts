/** Which way to the publishers counts: proxies, mirror, offline. Nobody is asked. */
import type { Environment } from '../environment.js'
import type { Check, Finding } from './check.js'
import { withoutPassword } from './without-password.js'

export interface NetworkFacts {
  readonly env: Environment
  readonly mirror: string | undefined
  readonly offline: boolean
}

export const networkCheck: Check = {
  topic: 'network',
  find: ({ env, context: { mirror, offline } }) => judgeNetwork({ env, mirror, offline }),
}

export function judgeNetwork({ env, mirror, offline }: NetworkFacts): readonly Finding[] {
  return [
    ...(offline
      ? [
          {
            level: 'note',
            text: 'the network is switched off (offline): only what is cached can be had',
          } as const,
        ]
      : []),
    ...(mirror === undefined
      ? []
      : [
          {
            level: 'ok',
            text: `a mirror is asked in place of every https site: ${withoutPassword(mirror)}`,
          } as const,
        ]),
    ...proxyFindings('https', env),
    ...proxyFindings('http', env),
    ...exceptions(env),
    ...socks(env),
  ]
}

/** Lower case counts first, as with curl; an empty variable counts as set, and means no proxy. */
function proxyFindings(protocol: 'http' | 'https', env: Environment): readonly Finding[] {
  const names = [`${protocol}_proxy`, `${protocol}_proxy`.toUpperCase()]
  const set = names.filter((name) => env[name] !== undefined)
  const [counts = generalProxy(env), other] = set
  if (counts === undefined) return [{ level: 'ok', text: `${protocol}: no proxy` }]
  const value = env[counts] ?? ''
  if (value !== '' && !(URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))) {
    return [
      {
        level: 'problem',
        text: `${protocol}: ${counts}="${withoutPassword(value)}" is no URL of an http proxy`,
        cure: `export ${counts}=http://host:port`,
      },
    ]
  }
  const said =
    value === ''
      ? `no proxy, as ${counts} is empty`
      : `by the proxy ${withoutPassword(value)}, as ${counts} says`
  const isHidden = other !== undefined && env[other] !== value
  return [
    {
      level: isHidden ? 'note' : 'ok',
      text: `${protocol}: ${said}${isHidden ? `; ${other} says something else and does not count` : ''}`,
      cure: isHidden ? `unset ${other}` : undefined,
    },
  ]
}

function exceptions(env: Environment): readonly Finding[] {
  const name = ['no_proxy', 'NO_PROXY'].find((variable) => env[variable] !== undefined)
  const value = name === undefined ? '' : (env[name] ?? '')
  if (name === undefined || value === '') return []
  if (value.trim() === '*') return [{ level: 'note', text: `no proxy for any host, as ${name} is "*"` }]
  return [{ level: 'ok', text: `no proxy for ${value}, as ${name} says` }]
}

/** What is for all protocols counts where a protocol has no variable of its own; SOCKS is not spoken. */
function generalProxy(env: Environment): string | undefined {
  const name = allProxyOf(env)
  return name === undefined || isSocks(env[name]) ? undefined : name
}

function socks(env: Environment): readonly Finding[] {
  const name = allProxyOf(env)
  if (name === undefined || !isSocks(env[name])) return []
  const text = `${name} is a SOCKS proxy, which is not spoken here`
  return [{ level: 'note', text, cure: 'export HTTPS_PROXY=http://host:port' }]
}

function allProxyOf(env: Environment): string | undefined {
  return ['all_proxy', 'ALL_PROXY'].find((name) => env[name] !== undefined)
}

function isSocks(value = ''): boolean {
  return /^socks/i.test(value)
}
