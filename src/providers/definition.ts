/** What is written down of a publisher: the fields of `defineProvider()`, before defaults. */
import { isRegExp } from 'node:util/types'
import type { Arch } from '../arch.js'
import type { Pattern } from './pattern.js'

/** One place where a publisher has images. Addresses are directories that the server lists. */
export interface Site {
  /** Lists the versions, one directory each. May hold `{arch}`. */
  readonly versionsUrl: string
  /** Name of a version's directory. Default `{version}`. */
  readonly versionPattern?: Pattern | undefined
  /** Lists the builds of a version, one directory each, where a publisher keeps several: `{version} {codename} {arch}`. */
  readonly buildsUrl?: string | undefined
  /** Name of a build's directory. Default `{build}`. */
  readonly buildPattern?: Pattern | undefined
  /** Lists the image files: `{version} {codename} {build} {arch}`. */
  readonly imagesUrl: string
  /** Architectures that are to be had here. Default: all of the provider's. */
  readonly arches?: readonly Arch[] | undefined
  /**
   * Other addresses of what is under `versionsUrl`, for the image itself, in order of trying. They need an `imagesUrl`
   * that is below `versionsUrl`, and no `{arch}` in the latter. Default: none.
   */
  readonly mirrors?: readonly string[] | undefined
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
}

export interface Facts {
  /** What a request calls it: lower case, `fedora`. */
  readonly name: string
  /** What people call it. Default: the name with a capital. */
  readonly displayName?: string | undefined
  /** Other names for requests. Default: none. */
  readonly aliases?: readonly string[] | undefined
  readonly homepage?: string | undefined
  /** Names of the image files, alike for all versions or by ranges of versions. */
  readonly imagePattern: Pattern | readonly ImagePattern[]
  /**
   * The publisher's word for each architecture it has. Default: any, in addresses under Linux's name, in names of
   * files under any name known. Where neither names nor addresses hold `{arch}`, it has to be a single one.
   */
  readonly archNames?: Readonly<Partial<Record<Arch, string>>> | undefined
  /** Codename of each version: `{ '13': 'trixie' }`. Where directories carry codenames, this gives their versions. */
  readonly codenames?: Readonly<Record<string, string>> | undefined
  /** Kinds of image; a request that names none gets the first that is made for its architecture. Default: one kind. */
  readonly variants?: readonly Variant[] | undefined
  /**
   * Names of the checksum file, in order of preference; the first one beside the image that names it counts. `{file}` is
   * the image's name. Default: the names in common use.
   */
  readonly checksumFiles?: readonly string[] | undefined
  /** `<algorithm>:<hex>` of files that never change, by file name; they stand above the publisher's checksum file. */
  readonly knownDigests?: Readonly<Record<string, string>> | undefined
  /** The best that can be said of its images: `unverified` is for md5 only. Default `checksum`. */
  readonly trust?: 'checksum' | 'unverified' | undefined
  /** Format of the disk inside, whatever the suffix says. Default `qcow2`. */
  readonly format?: 'qcow2' | 'raw' | undefined
  /** The user that cloud-init (or the image itself) makes. Default: not known. */
  readonly user?: string | undefined
}

/** What `defineProvider()` takes: the facts and one site, or several `sources`; of two with the same version the first counts. */
export type ProviderDefinition = Facts & (Site | { readonly sources: readonly Site[] })

export function sitesOf(definition: ProviderDefinition): readonly Site[] {
  return 'sources' in definition ? definition.sources : [definition]
}

export function imagePatternsOf({ imagePattern }: ProviderDefinition): readonly ImagePattern[] {
  return typeof imagePattern === 'string' || isRegExp(imagePattern)
    ? [{ pattern: imagePattern }]
    : imagePattern
}
