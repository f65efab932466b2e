/**
 * CRC-32 of `bytes` (reflected polynomial 0xedb88320, as in zip, gzip and PNG), as an unsigned 32-bit integer.
 *
 * Guarantee: a change of one byte, or of up to 32 neighbouring bits, changes the result.
 * Cost: eight bytes a step through eight 256-entry tables (8 KiB, built once).
 *
 * @param previous  the CRC of what came before, to go on from: crc32(b, crc32(a)) is the CRC of a then b
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous
  let i = 0
  for (const whole = bytes.length - 7; i < whole; i += 8) {
    const low = crc ^ (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24))
    crc =
      tables[0x700 | (low & 255)] ^
      tables[0x600 | ((low >>> 8) & 255)] ^
      tables[0x500 | ((low >>> 16) & 255)] ^
      tables[0x400 | (low >>> 24)] ^
      tables[0x300 | bytes[i + 4]] ^
      tables[0x200 | bytes[i + 5]] ^
      tables[0x100 | bytes[i + 6]] ^
      tables[bytes[i + 7]]
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[i]) & 255]
  return ~crc >>> 0
}

/** Entry 256·s + b: the CRC register of byte b after s further zero bytes. */
const tables = /* @__PURE__ */ slicingTables()

function slicingTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let b = 0; b < 256; b++) {
    let crc = b
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
    tables[b] = crc
  }
  for (let i = 256; i < tables.length; i++) tables[i] = (tables[i - 256] >>> 8) ^ tables[tables[i - 256] & 255]
  return tables
}
