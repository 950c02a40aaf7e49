import { defineConfig } from 'vitest/config'

const { IMAGE = '', VMIMAGE_IMAGES } = process.env

export default defineConfig({
  test: {
    globalSetup: ['vmimage/vitest/global-setup'],
    provide: VMIMAGE_IMAGES === undefined ? { vmImages: { images: [IMAGE] } } : {},
    include: ['by-hand.spec.ts'],
  },
})
