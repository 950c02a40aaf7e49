/** What is known of an image wherever it travels: from its source through the cache to the test that uses it. */
import { isTrust, type Trust } from './trust.js'

export interface ImageFacts {
  /** The system's name as its publisher writes it: `Fedora`. For a URL or a file, the name of the file. */
  readonly name: string
  /** As the publisher writes it (`44`, `24.04`, `0.6.3`); empty for a URL or a file. */
  readonly version: string
  /** The publisher's build or serial (`1.7`, `20260712-2537`), where there is one. */
  readonly build: string | undefined
  /** Linux's name: `x86_64`, `aarch64`. */
  readonly arch: string
  /** The kind of image, where the publisher has several: `genericcloud`. */
  readonly variant: string | undefined
  /** Name of the unpacked file. */
  readonly fileName: string
  /** Where it was published; `file:` for a file of your own. */
  readonly url: string
  readonly trust: Trust
  /**
   * With trust `signed`: fingerprint of the primary OpenPGP key that vouches for it, 40 hex digits or more in upper case. With
   * `pinned`: of the key that did when the image was pinned, where there was one.
   */
  readonly signedBy: string | undefined
}

/** Only the facts of a record that has more. */
export function factsOf(record: ImageFacts): ImageFacts {
  const { name, version, build, arch, variant, fileName, url, trust, signedBy } = record
  return { name, version, build, arch, variant, fileName, url, trust, signedBy }
}

/** As people call it: `Fedora 44`. */
export function titleOf({ name, version }: Pick<ImageFacts, 'name' | 'version'>): string {
  return `${name} ${version}`.trim()
}

/** Whether a value read from a file has the facts of an image. */
export function hasFacts(value: object): value is ImageFacts {
  const record: Readonly<Record<string, unknown>> = { ...value }
  const texts = ['name', 'version', 'arch', 'fileName', 'url']
  const optional = ['build', 'variant', 'signedBy']
  return (
    isTrust(record['trust']) &&
    texts.every((field) => typeof record[field] === 'string') &&
    optional.every((field) => ['string', 'undefined'].includes(typeof record[field]))
  )
}
