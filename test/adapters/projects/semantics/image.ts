/** The image that all tests of this project use: a file, so that nothing has to be downloaded. */
export const image = process.env['IMAGE'] ?? ''
