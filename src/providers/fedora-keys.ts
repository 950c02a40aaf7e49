/**
 * The OpenPGP keys of the Fedora Project: each release has one of its own, which signs what is made of it, CoreOS too.
 *
 * Sources: the keys in Debian's distribution-gpg-keys (1.123, 2026-08), read with gpg; the key of 47 from the same
 * project's repository (2026-08), as the package does not have it yet. https://fedoraproject.org/fedora.gpg holds the
 * keys of current releases only, which is why a key server comes after it.
 */
import type { Signature } from './definition.js'

/** Release and fingerprint, oldest first. */
const keys = [
  [24, '5048BDBBA5E776E547B09CCC73BDE98381B46521'],
  [25, 'C437DCCD558A66A37D6F43724089D8F2FDB19C98'],
  [26, 'E641850B77DF435378D1D7E2812A6B4B64DAB85D'],
  [27, '860E19B0AFA800A1751881A6F55E7430F5282EE4'],
  [28, '128CF232A9371991C8A65695E08E7E629DB62FB1'],
  [29, '5A03B4DD8254ECA02FDA1637A20AA56B429476B4'],
  [30, 'F1D8EC98F241AAF20DF69420EF3C111FCFC659B9'],
  [31, '7D22D5867F2A4236474BF7B850CB390B3C3359C4'],
  [32, '97A1AE57C3A2372CCA3A4ABA6C13026D12C944D0'],
  [33, '963A2BEB02009608FE67EA4249FD77499570FF31'],
  [34, '8C5BA6990BDB26E19F2A1A801161AE6945719A39'],
  [35, '787EA6AE1147EEE56C40B30CDB4639719867C58F'],
  [36, '53DED2CB922D8B8D9E63FD18999F7CBF38AB71F4'],
  [37, 'ACB5EE4E831C74BB7C168D27F55AD3FB5323552A'],
  [38, '6A51BBABBA3D5467B6171221809A8D7CEB10B464'],
  [39, 'E8F23996F23218640CB44CBE75CF5AC418B8E74C'],
  [40, '115DF9AEF857853EE8445D0A0727707EA15B79CC'],
  [41, '466CF2D8B60BC3057AA9453ED0622462E99D6AD1'],
  [42, 'B0F4950458F69E1150C6C5EDC8AC4916105EF944'],
  [43, 'C6E7F081CF80E13146676E88829B606631645531'],
  [44, '36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6'],
  [45, '4F50A6114CD5C6976A7F1179655A4B02F577861E'],
  [46, 'D924B10D3E810DABDD8B56B596E7E91491211FCE'],
  [47, 'B2E766FA50CA6FA2D5ED06FC09D879E09488FB64'],
] as const

/**
 * The form of signature for each release, which only the key of that release can make. The project no longer serves the
 * keys before 42, so that those signatures are not insisted on. The last key stands for all releases after it: theirs
 * are refused until they are known.
 */
export function signedByRelease(form: Pick<Signature, 'form' | 'file'>): readonly Signature[] {
  return keys.map(([release, fingerprint], index) => ({
    ...form,
    versions: index === keys.length - 1 ? `>=${release}` : `>=${release} <${release + 1}`,
    fingerprints: [fingerprint],
    keyrings: [`/usr/share/distribution-gpg-keys/fedora/RPM-GPG-KEY-fedora-${release}-primary`],
    keyUrls: [
      'https://fedoraproject.org/fedora.gpg',
      `https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x${fingerprint}`,
    ],
    mayLack: release < 42 ? 'key' : undefined,
  }))
}
