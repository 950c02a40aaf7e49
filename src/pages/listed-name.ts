/** A name as a machine wrote it into a list: nobody has looked yet whether a file or directory can be called so. */
export interface ListedName {
  /** As it is, nothing in it is encoded. A slash at its end marks a directory. */
  readonly name: string
  readonly sizeBytes?: number | undefined
}

/** Whether a name, without that slash, stays in its directory and fits in a file system (255 bytes, POSIX NAME_MAX). */
export function isFileName(name: string): boolean {
  const isWhole = name !== '' && name !== '.' && name !== '..' && !/[/\\\p{Cc}\p{Cs}]/u.test(name)
  return isWhole && Buffer.byteLength(name) <= 255
}

/** The name that a part of an address stands for; undefined for one with a stray percent sign: no file is called so. */
export function decodeName(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // URIError, the only thing it throws
    return undefined
  }
}
