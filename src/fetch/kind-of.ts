/**
 * What the first bytes of a file show it to be. A wrong file is most often a page of a captive portal or a proxy, and
 * its kind says so at once.
 */
import { open } from 'node:fs/promises'

const signatures = [
  ['qcow2', 'QFI\xfb'],
  ['xz', '\xfd7zXZ\0'],
  ['gzip', '\x1f\x8b'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['bzip2', 'BZh'],
] as const

const texts = [
  ['text/html', /^\s*<(!doctype html|html|head|body|!--)/i],
  ['text/xml', /^\s*<\?xml/],
  ['text/plain', /^[\t\r\n -~]+$/],
] as const

/** A short name of what `bytes`, the first of a file, look like. Pure. */
export function kindOf(bytes: Buffer): string {
  if (bytes.length === 0) return 'empty'
  const text = bytes.toString('latin1')
  const found =
    signatures.find(([, signature]) => text.startsWith(signature)) ??
    texts.find(([, pattern]) => pattern.test(text))
  return found?.[0] ?? 'binary data of unknown kind'
}

/** Like {@link kindOf}, for a file. */
export async function kindOfFile(path: string): Promise<string> {
  await using file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0)
  return kindOf(buffer.subarray(0, bytesRead))
}
