import { useVmImage, type VmImage } from 'vmimage/vitest'

export function openTwo(): Promise<VmImage> {
  return useVmImage({ url: 'https://images.test/two.qcow2', minimumTrust: 'unverified' })
}
