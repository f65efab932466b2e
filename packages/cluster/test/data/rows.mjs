/** Rows that are a function of their index, by arithmetic on whole numbers; blocks of `block` rows. */
const entry = (row, col, salt) => (((row * 37 + col * 11 + salt) % 101) - 50) / 64

export function* rows(first, count, { kind, cols, dv = cols, block = 64, fault, less = 0 }) {
  const end = first + count - less
  for (let at = first; at < end; at += block) {
    const size = Math.min(block, end - at)
    if (fault !== undefined && at <= fault && fault < at + size) throw new Error(`row ${fault} cannot be read`)
    const part = (width, salt) => ({
      rows: size,
      cols: width,
      data: Float32Array.from({ length: size * width }, (_, i) => entry(at + Math.floor(i / width), i % width, salt)),
    })
    if (kind === 'items') yield { items: Array.from({ length: size }, (_, i) => ((at + i) * (at + i)) % 97) }
    else if (kind === 'rows') yield part(cols, 3)
    else yield { keys: part(cols, 0), values: part(dv, 29) }
  }
}
