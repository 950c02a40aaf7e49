/**
 * A disk as a node of QEMU's block layer, with everything below it named by us. QEMU then follows no backing name in a
 * file: the chain ends at the base, in the format that is known of it, and what is below the overlay cannot be opened for
 * writing, by `commit` neither. A data file that an overlay names it would still open, so whoever lets others write to
 * overlays examines them first. Pure.
 *
 * Source: QEMU's QAPI reference, "blockdev-add", seen 2026-11.
 */

/** An overlay and what it stands on. All paths are absolute. */
export interface DiskChain {
  readonly path: string
  /** Overlays between it and the base, the nearest first. Nobody writes to them. */
  readonly parents: readonly string[]
  readonly base: { readonly path: string; readonly format: 'qcow2' | 'raw' }
}

/** What QEMU calls BlockdevOptions. */
export interface BlockNode {
  readonly driver: 'qcow2' | 'raw'
  readonly 'node-name'?: string
  readonly 'read-only'?: boolean
  readonly cache?: { readonly 'no-flush': boolean }
  readonly file: { readonly driver: 'file'; readonly filename: string; readonly 'read-only'?: boolean }
  /** `null`: it stands on nothing, whatever its header says. */
  readonly backing?: BlockNode | null
}

/** The whole chain as one node, read-only below the overlay. */
export function blockNode(chain: DiskChain, name?: string): BlockNode {
  return {
    driver: 'qcow2',
    ...(name !== undefined && { 'node-name': name, cache: { 'no-flush': true } }),
    file: { driver: 'file', filename: chain.path },
    backing: nodeBelow(chain),
  }
}

/** What qemu-img and qemu-io take for the name of a file, and open as this very chain. */
export function nodeAsFileName(node: BlockNode): string {
  return `json:${JSON.stringify(node)}`
}

function nodeBelow({ parents, base }: DiskChain): BlockNode {
  const bottom: BlockNode = {
    ...readOnlyFile(base.path),
    driver: base.format,
    ...(base.format === 'qcow2' && { backing: null }),
  }
  return parents.reduceRight<BlockNode>(
    (below, path) => ({ ...readOnlyFile(path), driver: 'qcow2', backing: below }),
    bottom,
  )
}

/** The file too: a node that is read-only by itself is made writable for a commit, where its file is not. */
function readOnlyFile(filename: string) {
  return { 'read-only': true, file: { driver: 'file', filename, 'read-only': true } } as const
}
