import { expect, test } from 'vitest'
import { bootCommand } from '../../src/image/boot-command.js'

test('bootCommand() is a line to paste', () => {
  expect(bootCommand('x86_64', '/kept/fedora.qcow2')).toBe(
    'qemu-system-x86_64 -accel kvm -accel tcg -cpu max -m 2048 -nographic -nic user ' +
      '-drive if=virtio,format=qcow2,file=/kept/fedora.qcow2',
  )
})

test('bootCommand() names the machine where an architecture has none by default', () => {
  expect(bootCommand('aarch64', '/a.qcow2')).toContain('qemu-system-aarch64 -machine virt')
})

test('bootCommand() quotes for the shell and for QEMU', () => {
  expect(bootCommand('x86_64', "/it's, here.qcow2")).toContain(
    String.raw`-drive 'if=virtio,format=qcow2,file=/it'\''s,, here.qcow2'`,
  )
})
