/** Armour (RFC 9580, section 6.2): its blocks in a text, and no more of them than are worth the work of reading them. */

/**
 * Each block, with all that follows it up to the next one.
 *
 * @param beginning what a block begins with.
 * @param most how many are cut out; the text after them is not looked at.
 */
export function armourBlocks(bytes: Uint8Array, beginning: string, most: number): readonly string[] {
  const text = Buffer.from(bytes).toString('latin1')
  const [, ...blocks] = text.split(beginning, most + 1)
  return blocks.map((block) => beginning + block)
}
