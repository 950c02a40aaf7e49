/**
 * Who signs for whom, written down a second time: a key that changes in one place only is a mistake, or worse. They are
 * as in Debian's distribution-gpg-keys (1.123) and ubuntu-keyring, the rest as their publishers name them, seen 2026-11.
 */
import { expect, test } from 'vitest'
import { imageProviders } from '../../src/providers/index.js'
import { signatureFor } from '../../src/resolve/published-signature.js'

/** Provider, versions from old to new, form, first address of the key, fingerprints of the primary keys. */
type Row = readonly [string, readonly string[], string, string, readonly string[]]

const fedoraKeys = {
  24: '5048BDBBA5E776E547B09CCC73BDE98381B46521',
  25: 'C437DCCD558A66A37D6F43724089D8F2FDB19C98',
  26: 'E641850B77DF435378D1D7E2812A6B4B64DAB85D',
  27: '860E19B0AFA800A1751881A6F55E7430F5282EE4',
  28: '128CF232A9371991C8A65695E08E7E629DB62FB1',
  29: '5A03B4DD8254ECA02FDA1637A20AA56B429476B4',
  30: 'F1D8EC98F241AAF20DF69420EF3C111FCFC659B9',
  31: '7D22D5867F2A4236474BF7B850CB390B3C3359C4',
  32: '97A1AE57C3A2372CCA3A4ABA6C13026D12C944D0',
  33: '963A2BEB02009608FE67EA4249FD77499570FF31',
  34: '8C5BA6990BDB26E19F2A1A801161AE6945719A39',
  35: '787EA6AE1147EEE56C40B30CDB4639719867C58F',
  36: '53DED2CB922D8B8D9E63FD18999F7CBF38AB71F4',
  37: 'ACB5EE4E831C74BB7C168D27F55AD3FB5323552A',
  38: '6A51BBABBA3D5467B6171221809A8D7CEB10B464',
  39: 'E8F23996F23218640CB44CBE75CF5AC418B8E74C',
  40: '115DF9AEF857853EE8445D0A0727707EA15B79CC',
  41: '466CF2D8B60BC3057AA9453ED0622462E99D6AD1',
  42: 'B0F4950458F69E1150C6C5EDC8AC4916105EF944',
  43: 'C6E7F081CF80E13146676E88829B606631645531',
  44: '36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6',
  45: '4F50A6114CD5C6976A7F1179655A4B02F577861E',
  46: 'D924B10D3E810DABDD8B56B596E7E91491211FCE',
  47: 'B2E766FA50CA6FA2D5ED06FC09D879E09488FB64',
} as const

const fedoraUrl = 'https://fedoraproject.org/fedora.gpg'

const signers: readonly Row[] = [
  ...Object.entries(fedoraKeys).flatMap(([release, key]): readonly Row[] => [
    ['fedora', [release], 'clear-signed', fedoraUrl, [key]],
    ['fedora-coreos', [`${release}.20260707.3.1`], 'image', fedoraUrl, [key]],
  ]),
  [
    'almalinux',
    ['8.3', '8.10'],
    'checksums',
    'https://repo.almalinux.org/almalinux/RPM-GPG-KEY-AlmaLinux-8',
    ['BC5EDDCADF502C077F1582882AE81E8ACED7258B', '5E9B8F5617B5066CE92057C3488FCF7C3ABB34F8'],
  ],
  [
    'almalinux',
    ['9.0', '9.8'],
    'checksums',
    'https://repo.almalinux.org/almalinux/RPM-GPG-KEY-AlmaLinux-9',
    ['BF18AC2876178908D6E71267D36CB86CB86B3716'],
  ],
  [
    'almalinux',
    ['10.0', '10.2', '11.0'],
    'checksums',
    'https://repo.almalinux.org/almalinux/RPM-GPG-KEY-AlmaLinux-10',
    ['EE6DB7B98F5BF5EDD9DA0DE5DEE5C11CC2A1E572'],
  ],
  [
    'alpine',
    ['3.20.0', '3.24.2'],
    'image',
    'https://alpinelinux.org/keys/tomalok.asc',
    ['F26ADFADBAE702EF7AF637459DA7EF23BFFCDF22'],
  ],
  [
    'archlinux',
    ['20260701.500000', '20261001.604814'],
    'checksums',
    'https://keyserver.ubuntu.com/pks/lookup?op=get&search=0x1B9A16984A4E8CB448712D2AE0B78BF4326C6F8F',
    ['1B9A16984A4E8CB448712D2AE0B78BF4326C6F8F'],
  ],
  [
    'debian',
    ['9'],
    'checksums',
    'https://keyserver.ubuntu.com/pks/lookup?op=get&search=0xDF9B9C49EAA9298432589D76DA87E80D6294BE9B',
    ['DF9B9C49EAA9298432589D76DA87E80D6294BE9B'],
  ],
  [
    'flatcar',
    ['4230.2.0', '4593.2.4'],
    'image',
    'https://www.flatcar.org/security/image-signing-key/Flatcar_Image_Signing_Key.asc',
    ['F88CFEDEFF29A5B4D9523864E25D9AED0593B34A'],
  ],
  [
    'freebsd',
    ['12.2', '13.2'],
    'clear-signed',
    'https://docs.freebsd.org/pgpkeys/pgpkeys.txt',
    ['78B342BA26C7B2AC681EA7BE524F0C37A0B946A3'],
  ],
  [
    'freebsd',
    ['13.3', '14.1', '15.1'],
    'clear-signed',
    'https://docs.freebsd.org/pgpkeys/pgpkeys.txt',
    ['82563B84D0620EDC0DFB86413897F2E22E65AD3F'],
  ],
  [
    'gentoo',
    ['20260801T164559Z', '20261004T164559Z'],
    'clear-signed',
    'https://qa-reports.gentoo.org/output/service-keys.gpg',
    ['13EBBDBEDE7A12775DFDB1BABB572E0E2D182910'],
  ],
  [
    'kali',
    ['2025.4', '2026.2'],
    'checksums',
    'https://archive.kali.org/archive-key.asc',
    ['827C8569F2518CC677FECA1AED65462EC8D5E4C5', '44C6513A8E4FB3D30875F758ED444FF07D8D0BF6'],
  ],
  [
    'opensuse',
    ['42.3', '15.6'],
    'checksums',
    'https://build.opensuse.org/projects/openSUSE:Factory/signing_keys/download?kind=gpg',
    ['AD485664E901B867051AB15F35A2F86E29B700A4', '22C07BA534178CD02EFE22AAB88B2FD43DBDC284'],
  ],
  [
    'opensuse',
    ['16.0', '17.0'],
    'checksums',
    'https://build.opensuse.org/projects/openSUSE:Factory/signing_keys/download?kind=gpg',
    ['AD485664E901B867051AB15F35A2F86E29B700A4'],
  ],
  [
    'opensuse-tumbleweed',
    ['20260207', '20261011'],
    'checksums',
    'https://build.opensuse.org/projects/openSUSE:Factory/signing_keys/download?kind=gpg',
    ['AD485664E901B867051AB15F35A2F86E29B700A4'],
  ],
  [
    'rocky',
    ['8.4', '8.10'],
    'checksums',
    'https://dl.rockylinux.org/pub/rocky/RPM-GPG-KEY-Rocky-8',
    ['7051C470A929F454CEBE37B715AF5DAC6D745A60'],
  ],
  [
    'rocky',
    ['9.0', '9.8'],
    'checksums',
    'https://dl.rockylinux.org/pub/rocky/RPM-GPG-KEY-Rocky-9',
    ['21CB256AE16FC54C6E652949702D426D350D275D'],
  ],
  [
    'rocky',
    ['10.0', '10.2', '11.0'],
    'checksums',
    'https://dl.rockylinux.org/pub/rocky/RPM-GPG-KEY-Rocky-10',
    ['FC226859C0860BF0DDB95B085B106C736FEDFC85'],
  ],
  [
    'ubuntu',
    ['14.04', '26.04'],
    'checksums',
    'https://keyserver.ubuntu.com/pks/lookup?op=get&search=0xD2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81',
    ['D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81'],
  ],
  [
    'ubuntu-daily',
    ['16.04', '26.10'],
    'checksums',
    'https://keyserver.ubuntu.com/pks/lookup?op=get&search=0xD2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81',
    ['D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81'],
  ],
  [
    'ubuntu-minimal',
    ['18.04', '26.04'],
    'checksums',
    'https://keyserver.ubuntu.com/pks/lookup?op=get&search=0xD2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81',
    ['D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81'],
  ],
]

const rows = signers.flatMap(([name, versions, form, keyUrl, fingerprints]) =>
  versions.map((version) => ({ name, version, form, keyUrl, fingerprints })),
)

test.each(rows)(
  '$name $version is signed by $fingerprints',
  ({ name, version, form, keyUrl, fingerprints }) => {
    const signature = signatureFor({ version }, imageProviders.find(name))
    expect(signature).toMatchObject({ form, fingerprints })
    expect(signature?.keyUrls[0]).toBe(keyUrl)
  },
)

/** Before the first key that is known, after the last (the newest key stands for what is not known yet), and in between. */
test.each([
  ['fedora', '23', undefined],
  ['fedora', '48', 'B2E766FA50CA6FA2D5ED06FC09D879E09488FB64'],
  ['debian', '10', undefined],
  ['debian', '13', undefined],
  ['freebsd', '14.0', undefined],
])('%s %s is signed by %s', (name, version, fingerprint) => {
  const signature = signatureFor({ version }, imageProviders.find(name))
  expect(signature?.fingerprints[0]).toBe(fingerprint)
})

test.each(imageProviders.list())(
  '$name pins the keys of this table, and no others',
  ({ name, signatures }) => {
    const pinned = signatures.flatMap(({ fingerprints }) => fingerprints)
    const known = rows.filter((row) => row.name === name).flatMap(({ fingerprints }) => fingerprints)
    expect(new Set(pinned)).toEqual(new Set(known))
  },
)
