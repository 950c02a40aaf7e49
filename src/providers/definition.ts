/** What is written down of a publisher: the fields of `defineProvider()`, before defaults. */
import { isRegExp } from 'node:util/types'
import type { Arch } from '../arch.js'
import type { Pattern } from './pattern.js'

/** One place where a publisher has images. Addresses are directories that the server lists, or documents that list. */
export interface Site {
  /**
   * Lists the versions, one directory each: `{arch} {variant}`. Default: none; then `versions` says what is to be had, or
   * else `imagesUrl` has all of them.
   */
  readonly versionsUrl?: string | undefined
  /** The versions, where the publisher does not list them: `['7']`. Only without `versionsUrl`. */
  readonly versions?: readonly string[] | undefined
  /** Name of a version's directory. Default `{version}`. */
  readonly versionPattern?: Pattern | undefined
  /** Lists the builds of a version, one directory each, where a publisher keeps several: `{version} {codename} {arch} {variant}`. */
  readonly buildsUrl?: string | undefined
  /** Name of a build's directory. Default `{build}`. */
  readonly buildPattern?: Pattern | undefined
  /** Lists the image files: `{version} {codename} {build} {arch} {variant}`. With `document` it is a JSON document. */
  readonly imagesUrl: string
  /** Where the image stands in a JSON document that is no list of files. Default: none. */
  readonly document?: DocumentPointers | undefined
  /** Names of the image files of this site. Default: the provider's. */
  readonly imagePattern?: Pattern | readonly ImagePattern[] | undefined
  /** True: only what has left the other sites is here, so it is asked when none of them has what is looked for. Default false. */
  readonly isArchive?: boolean | undefined
  /**
   * The lasting address of an image, where `imagesUrl` is a directory that moves: `{file}` and the words of
   * `imagesUrl`. Default: where it is listed.
   */
  readonly imageUrl?: string | undefined
  /** The user of these images, where it is another than the provider's. */
  readonly user?: string | undefined
  /** Architectures that are to be had here. Default: all of the provider's. */
  readonly arches?: readonly Arch[] | undefined
  /**
   * Other addresses of the same tree, in order of trying: of what is under `versionsUrl`, or else under the beginning of
   * `imagesUrl` up to its first word in braces. Listings, checksum files and images are asked there when the site itself
   * does not answer. Default: none.
   */
  readonly mirrors?: readonly string[] | undefined
}

/** Places in a JSON document, as JSON Pointers (RFC 6901) that may hold `{arch} {variant} {version}`. */
export interface DocumentPointers {
  /** The address of the image, absolute or from `base`. */
  readonly image: string
  /** The address that relative ones start from. Default: the document's own. */
  readonly base?: string | undefined
  /** Its digest in hex; the algorithm is told from the length. */
  readonly digest: string
}

/** Who may vouch for images, and where their OpenPGP keys are to be had. */
export interface Signer {
  /**
   * Of the primary keys, 40 hex digits in upper case. A signature counts only when it is by one of these keys, or by a
   * signing subkey of one.
   */
  readonly fingerprints: readonly string[]
  /** Where the keys are published, armoured or binary, over https; tried in order. */
  readonly keyUrls: readonly string[]
  /** Files of installed packages that hold the keys; they are looked at before the network is. Default: none. */
  readonly keyrings?: readonly string[] | undefined
  /** True: it signs with OpenPGP version 3 packets, which only gpgv reads. From anybody else they are refused. Default false. */
  readonly isVersion3?: boolean | undefined
}

/** What a publisher signs. */
export interface Signature extends Signer {
  /** For which versions this holds, a range such as `>=41`. Default: all. */
  readonly versions?: string | undefined
  /**
   * `clear-signed`: the checksum file is a text with its signature around it; `checksums`: the checksum file has a
   * detached signature beside it; `image`: the image itself has one.
   */
  readonly form: 'clear-signed' | 'checksums' | 'image'
  /**
   * Name of the detached signature: `{checksums}.asc` (after the checksum file), `{file}.asc` (after the image), or any
   * other words of a file's name. Not for `clear-signed`.
   */
  readonly file?: string | undefined
  /**
   * What is known to be missing now and then: the `key` of that time, or else the `signature` (and so the key, too).
   * Such images count as `checksum`, and a warning tells; but where an image has a signature of its own, its key has to
   * be there. Default: nothing; what is missing is an error.
   */
  readonly mayLack?: 'key' | 'signature' | undefined
}

/** How the image files are named, from one version to another. */
export interface ImagePattern {
  /** A range such as `>=41` or `>=40 <41`. Default: every version. */
  readonly versions?: string | undefined
  /** `{version} {build} {arch} {variant} {codename}`. */
  readonly pattern: Pattern
}

/** One kind of image among several of a build. */
export interface Variant {
  readonly name: string
  /** Architectures it is made for. Default: all. */
  readonly arches?: readonly Arch[] | undefined
  /** Versions that have it, a range such as `>=14.2`. Default: all. */
  readonly versions?: string | undefined
}

export interface Facts {
  /** What a request calls it: lower case, `fedora`. */
  readonly name: string
  /** What people call it. Default: the name with a capital. */
  readonly displayName?: string | undefined
  /** Other names for requests. Default: none. */
  readonly aliases?: readonly string[] | undefined
  readonly homepage?: string | undefined
  /** Which versions there are, in words, for lists of providers: `30 to 44`. Default: whatever it lists. */
  readonly coverage?: string | undefined
  /** Names of the image files, alike for all versions or by ranges of versions. */
  readonly imagePattern: Pattern | readonly ImagePattern[]
  /**
   * The publisher's word for each architecture it has. Default: any, in addresses under Linux's name, in names of
   * files under any name known. Where neither names nor addresses hold `{arch}`, it has to be a single one.
   */
  readonly archNames?: Readonly<Partial<Record<Arch, string>>> | undefined
  /** The publisher's words in addresses, where these are others than in the names of files. Default: `archNames`. */
  readonly archDirectories?: Readonly<Partial<Record<Arch, string>>> | undefined
  /** Codename of each version: `{ '13': 'trixie' }`. Where directories carry codenames, this gives their versions. */
  readonly codenames?: Readonly<Record<string, string>> | undefined
  /** Other names of versions: `{ stable: '13' }`. Default: none. */
  readonly versionNames?: Readonly<Record<string, string>> | undefined
  /**
   * Versions whose numbers do not say when they came, oldest first; `42.*` stands for all that begin so, and `*` for all
   * that are not listed, in the order of their numbers. Default: `*` alone; in a list without it, it comes last.
   */
  readonly versionOrder?: readonly string[] | undefined
  /** Kinds of image; a request that names none gets the first that is made for its architecture. Default: one kind. */
  readonly variants?: readonly Variant[] | undefined
  /**
   * Names of the checksum file, in order of preference; the first one beside the image that names it counts. `{file}` is
   * the image's name. A whole address is one that lies elsewhere. Default: the names in common use.
   */
  readonly checksumFiles?: readonly string[] | undefined
  /** `<algorithm>:<hex>` of files that never change, by file name; they stand above the publisher's checksum file. */
  readonly knownDigests?: Readonly<Record<string, string>> | undefined
  /** What is signed and by whom; of several, the first that is for the version counts. Default: nothing. */
  readonly signatures?: readonly Signature[] | undefined
  /** The best that can be said of its checksums: `unverified` is for md5 only, or none. Default `checksum`. */
  readonly trust?: 'checksum' | 'unverified' | undefined
  /** Format of the disk inside, whatever the suffix says. Default `qcow2`. */
  readonly format?: 'qcow2' | 'raw' | undefined
  /** The user that cloud-init (or the image itself) makes. Default: not known. */
  readonly user?: string | undefined
  /**
   * What the images of x86_64 boot with; those of other architectures boot with UEFI, or with what such a machine has.
   * Default: not known.
   */
  readonly firmware?: readonly ('bios' | 'uefi')[] | undefined
  /** Why less is known of this publisher than of others; lists of providers and a warning show it. Default: undefined. */
  readonly experimental?: string | undefined
}

/** What `defineProvider()` takes: the facts and one site, or several `sources`; of two with the same version the first counts. */
export type ProviderDefinition = Facts & (Site | { readonly sources: readonly Site[] })

export function sitesOf(definition: ProviderDefinition): readonly Site[] {
  return 'sources' in definition ? definition.sources : [definition]
}

/** The beginning of a site's addresses that a mirror stands for: without what follows `?`, with a slash at its end. */
export function rootOf({ versionsUrl, imagesUrl }: Pick<Site, 'versionsUrl' | 'imagesUrl'>): string {
  if (versionsUrl !== undefined) return versionsUrl.replace(/\/?(?:\?.*)?$/, '/')
  return imagesUrl.replace(/[^/{]*(?:\{.*)?$/, '')
}

export function imagePatternsOf({ imagePattern }: Pick<Facts, 'imagePattern'>): readonly ImagePattern[] {
  return typeof imagePattern === 'string' || isRegExp(imagePattern)
    ? [{ pattern: imagePattern }]
    : imagePattern
}

/** Those of the provider, and those that single sites have. */
export function allPatternsOf(definition: ProviderDefinition): readonly ImagePattern[] {
  const own = sitesOf(definition).flatMap(({ imagePattern }) =>
    imagePattern === undefined ? [] : imagePatternsOf({ imagePattern }),
  )
  return [...imagePatternsOf(definition), ...own]
}
