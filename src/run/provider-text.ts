/**
 * Providers as text, for their way to the workers: a provider is plain data but for its regular expressions, which
 * JSON (and with it Vitest's `provide`) would silently lose.
 */
import { defineProvider, imageProviders, type Provider } from '../providers/index.js'

interface RegExpText {
  readonly regExp: readonly [source: string, flags: string]
}

export function formatProviders(providers: readonly Provider[]): string {
  return JSON.stringify(providers, (_, value: unknown): unknown =>
    value instanceof RegExp ? ({ regExp: [value.source, value.flags] } satisfies RegExpText) : value,
  )
}

/** Makes the providers in a text of {@link formatProviders} known in this process. */
export function addProviders(text: string): void {
  // Written by formatProviders(), whose providers are definitions as well.
  const providers = JSON.parse(text, (_, value: unknown) =>
    isRegExpText(value) ? new RegExp(...value.regExp) : value,
  ) as Provider[]
  for (const provider of providers) imageProviders.add(defineProvider(provider))
}

function isRegExpText(value: unknown): value is RegExpText {
  return typeof value === 'object' && value !== null && 'regExp' in value
}
