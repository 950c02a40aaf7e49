/** QEMU's own opinion of many images: one qemu-storage-daemon opens them one after the other, a thousand in a second. */
import { startQmp } from './qmp.js'

/** What QEMU says of an image when it has opened it. */
export interface Opinion {
  readonly filename: string
  readonly 'virtual-size': number
  readonly 'cluster-size': number
  readonly 'backing-filename'?: string
  readonly 'full-backing-filename'?: string
  readonly encrypted?: boolean
  readonly snapshots?: readonly unknown[]
  readonly 'format-specific': { readonly data: { readonly 'data-file'?: string } }
}

export interface StorageDaemon extends AsyncDisposable {
  /** Opens the qcow2 image read-only; the reason when QEMU does not. */
  open(path: string): Promise<Opinion | string>
}

export async function startStorageDaemon(): Promise<StorageDaemon> {
  const qmp = await startQmp('qemu-storage-daemon', ['--chardev', 'stdio,id=qmp', '--monitor', 'chardev=qmp'])
  return {
    async open(path) {
      const file = { driver: 'file', filename: path, locking: 'off' }
      const node = { driver: 'qcow2', 'node-name': 'image', 'read-only': true, file }
      const added = await qmp.ask('blockdev-add', node)
      if (added.error) return added.error.desc
      const { return: nodes } = await qmp.ask('query-named-block-nodes', { flat: true })
      await qmp.ask('blockdev-del', { 'node-name': 'image' })
      // QAPI's BlockDeviceInfo.
      const all = nodes as readonly { readonly 'node-name': string; readonly image: Opinion }[]
      return (
        all.find((each) => each['node-name'] === 'image')?.image ?? 'QEMU does not know the image any more'
      )
    },
    [Symbol.asyncDispose]: () => qmp[Symbol.asyncDispose](),
  }
}
