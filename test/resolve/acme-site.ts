/** The publisher that the resolver's tests ask: a main site and an archive, as trees of listings and checksum files. */
import { defineProvider, type ProviderDefinition } from '../../src/providers/index.js'

export const main = 'main.example.org/acme/'
export const archive = 'archive.example.org/acme/'
export const hex = 'ab'.repeat(32)
export const otherHex = 'cd'.repeat(32)

export const acme = defineProvider({
  name: 'acme',
  sources: [
    {
      versionsUrl: `https://${main}`,
      imagesUrl: `https://${main}{version}/`,
      mirrors: ['https://mirror.example.org/of/acme/'],
    },
    { versionsUrl: `https://${archive}`, imagesUrl: `https://${archive}{version}/` },
  ],
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
})

/** A provider like acme with its main site only. */
export function acmeWith(facts: Partial<ProviderDefinition>) {
  const { name, imagePattern } = acme
  const source = { versionsUrl: `https://${main}`, imagesUrl: `https://${main}{version}/` }
  return defineProvider({ name, imagePattern, ...source, ...facts })
}

export function listing(...names: readonly string[]): string {
  const links = names.map((name) => `<a href="${name}">${name}</a>`)
  return `<title>Index of /</title><pre><a href="../">../</a>\n${links.join('\n')}\n</pre>`
}

/** The files of a site: an image (and its checksum) for each version, a listing alone for `empty` ones. */
export function site(
  root: string,
  versions: readonly string[],
  empty: readonly string[] = [],
): Record<string, string> {
  const files: Record<string, string> = {
    [`${root}index.html`]: listing(...[...versions, ...empty].map((version) => `${version}/`)),
  }
  for (const version of empty) files[`${root}${version}/index.html`] = listing()
  for (const version of versions) {
    const image = `acme-${version}-1.x86_64.qcow2`
    files[`${root}${version}/index.html`] = listing(image, 'SHA256SUMS')
    files[`${root}${version}/SHA256SUMS`] = `${hex}  ${image}\n`
  }
  return files
}
