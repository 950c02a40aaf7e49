/**
 * Codenames of Ubuntu's releases since 14.04, for all its kinds of images. One that is not here yet is passed over where
 * directories carry codenames.
 *
 * Source: https://cloud-images.ubuntu.com/releases/ (seen 2026-07); the older ones are on https://wiki.ubuntu.com/Releases.
 */
export const ubuntuCodenames = {
  '14.04': 'trusty',
  '14.10': 'utopic',
  '15.04': 'vivid',
  '15.10': 'wily',
  '16.04': 'xenial',
  '16.10': 'yakkety',
  '17.04': 'zesty',
  '17.10': 'artful',
  '18.04': 'bionic',
  '18.10': 'cosmic',
  '19.04': 'disco',
  '19.10': 'eoan',
  '20.04': 'focal',
  '20.10': 'groovy',
  '21.04': 'hirsute',
  '21.10': 'impish',
  '22.04': 'jammy',
  '22.10': 'kinetic',
  '23.04': 'lunar',
  '23.10': 'mantic',
  '24.04': 'noble',
  '24.10': 'oracular',
  '25.04': 'plucky',
  '25.10': 'questing',
  '26.04': 'resolute',
  '26.10': 'stonking',
} as const
