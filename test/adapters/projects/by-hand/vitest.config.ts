import { defineConfig } from 'vitest/config'

const { LISTED } = process.env

export default defineConfig({
  test: {
    globalSetup: ['vmimage/vitest/global-setup'],
    provide: LISTED === undefined ? {} : { vmImages: { images: [LISTED] } },
    include: ['by-hand.spec.ts'],
  },
})
