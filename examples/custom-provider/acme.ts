/** A publisher that vmimage does not know: where it lists its versions, where a version's files are, how they are named. */
import { defineProvider } from 'vmimage'

export const acme = defineProvider({
  name: 'acme',
  versionsUrl: 'https://images.example.org/acme/',
  imagesUrl: 'https://images.example.org/acme/{version}/',
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2.xz',
})
