/** The two systems that the fault tests ask for: one image is served as it is, one packed. Plain data: children load it. */
const plain = {
  name: 'plain',
  versionsUrl: 'https://plain.example.org/',
  imagesUrl: 'https://plain.example.org/{version}/',
  imagePattern: 'plain-{version}.{arch}.qcow2',
} as const

const packed = {
  name: 'packed',
  versionsUrl: 'https://packed.example.org/',
  imagesUrl: 'https://packed.example.org/{version}/',
  imagePattern: 'packed-{version}.{arch}.qcow2.gz',
} as const

export const definitions = { plain, packed } as const

export type SystemName = keyof typeof definitions

export const systemNames = ['plain', 'packed'] as const satisfies readonly SystemName[]
