/** acme as a publisher that signs: providers that pin a test key, and files that change what its servers have. */
import type { Signature } from '../../src/providers/definition.js'
import { defineProvider, type Provider, type ProviderDefinition } from '../../src/providers/index.js'
import type { TestKey } from './keys.js'
import type { MirrorFile } from './mirror-tree.js'
import { acme, type Publisher } from './publisher.js'

const files = { 'clear-signed': undefined, checksums: '{checksums}.asc', image: '{file}.asc' } as const

/** acme, with this kind of signature by this key. */
export function acmeSigning(
  form: Signature['form'],
  { fingerprint }: Pick<TestKey, 'fingerprint'>,
  more: Partial<Signature> = {},
  facts: Partial<ProviderDefinition> = {},
): Provider {
  const keyUrls = ['https://keys.example.org/acme.asc']
  const signature = { form, file: files[form], fingerprints: [fingerprint], keyUrls, ...more }
  return defineProvider({ ...acme, signatures: [signature], ...facts })
}

/** Where the mirror has the key that `acmeSigning()` asks for. */
export const keyPath = '/keys.example.org/acme.asc'

/** The files that a publisher has from now on, by their names beside the image of version 1, or by whole paths. */
export function serve({ mirror }: Publisher, changed: Readonly<Record<string, MirrorFile>>): void {
  for (const [name, file] of Object.entries(changed)) {
    mirror.fail(name.startsWith('/') ? name : `/acme.example.org/1/${name}`, { swap: file })
  }
}
