import { defineConfig, defineProvider } from 'vmimage'

const acme = defineProvider({
  name: 'acme',
  versionsUrl: 'https://acme.example.org/',
  imagesUrl: 'https://acme.example.org/{version}/',
  imagePattern: /^acme-(?<version>\d+)\.(?<arch>\w+)\.qcow2$/,
})

export default defineConfig({
  images: ['acme'],
  providers: [acme],
  mirror: process.env['MIRROR'],
  arch: 'x86_64',
  keep: 'always',
})
