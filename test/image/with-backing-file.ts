/** An image that QEMU would follow to a file of the host. */
export function withBackingFile(bytes: Buffer): Buffer {
  const hostile = Buffer.from(bytes)
  hostile.write('/etc/passwd', 0x400)
  hostile.writeBigUInt64BE(0x400n, 8)
  hostile.writeUInt32BE('/etc/passwd'.length, 16)
  return hostile
}
