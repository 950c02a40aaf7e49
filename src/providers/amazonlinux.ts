/**
 * Amazon Linux 2023, by Amazon Web Services.
 *
 * Sources: https://docs.aws.amazon.com/linux/al2023/ug/outside-ec2-download.html; addresses, names and digests of lima's
 * templates and others (2026-04 to 2026-10). There is no listing: `latest/` leads to the newest dated directory, whose
 * checksum file names its one image. Older directories stay, but no list leads there. The build is
 * the kernel's version, of which there may come to be several.
 * Said to be signed in a form of its own, whose key and place are not known; taken as unsigned.
 */
import { defineProvider } from './provider.js'

const images = 'https://cdn.amazonlinux.com/al2023/os-images/'

export const amazonlinux = defineProvider({
  name: 'amazonlinux',
  displayName: 'Amazon Linux',
  aliases: ['amazon', 'amazon-linux', 'al2023'],
  homepage: 'https://docs.aws.amazon.com/linux/al2023/',
  coverage: '2023: the newest',
  imagesUrl: `${images}latest/{arch}/SHA256SUMS`,
  imageUrl: `${images}{version}/{arch}/{file}`,
  imagePattern:
    /al2023-kvm-(?<version>2023\.\d+\.\d{8}\.\d+)-kernel-(?<build>\d+\.\d+)-(?<arch>x86_64|arm64)\.xfs\.gpt\.qcow2/,
  archNames: { x86_64: 'x86_64', aarch64: 'arm64' },
  archDirectories: { x86_64: 'kvm', aarch64: 'kvm-arm64' },
  checksumFiles: ['SHA256SUMS'],
  user: 'ec2-user',
})
