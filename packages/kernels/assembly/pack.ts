// Packing: a slice of a matrix laid out in the order in which the tile reads it.

/** Dense rows → strips of 4 rows side by side: entry (r, i) at to + (⌊r/4⌋·inner + i)·16 + (r mod 4)·4. A missing row repeats the first. */
export function packRows(to: usize, from: usize, fromRow: usize, rows: i32, inner: i32): void {
  for (; rows > 0; rows -= 4, from += fromRow << 2) {
    turn(to, 16, from, fromRow, rows, inner)
    to += (inner as usize) << 4
  }
}

/** The columns' own dense rows → panels of 8 columns: entry (i, c) at to + (⌊c/8⌋·inner + i)·32 + (c mod 8)·4. */
export function packColumns(to: usize, from: usize, fromRow: usize, cols: i32, inner: i32): void {
  for (; cols > 0; cols -= 8, from += fromRow << 3) {
    turn(to, 32, from, fromRow, cols, inner)
    if (cols > 4) turn(to + 16, 32, from + (fromRow << 2), fromRow, cols - 4, inner)
    to += (inner as usize) << 5
  }
}

/** Rows of `cols` entries → panels of 8 columns, as packColumns lays them out. Reads up to 7 columns too many. */
export function packPanels(to: usize, from: usize, fromRow: usize, inner: i32, cols: i32): void {
  for (; cols > 0; cols -= 8, from += 32) {
    let row = from
    for (let i = inner; i; i--, row += fromRow, to += 32) {
      v128.store(to, v128.load(row))
      v128.store(to, v128.load(row, 16), 16)
    }
  }
}

/** Rows of `rows` entries, one for every inner index → strips of 4, as packRows lays them out. Reads up to 3 entries too many. */
export function packStrips(to: usize, from: usize, fromRow: usize, inner: i32, rows: i32): void {
  for (; rows > 0; rows -= 4, from += 16) {
    let row = from
    for (let i = inner; i; i--, row += fromRow, to += 16) v128.store(to, v128.load(row))
  }
}

/** Four rows (the first instead of those that are missing) of `inner` entries → `inner` groups of four, toStep bytes apart. */
// @ts-ignore: decorator
@inline
function turn(to: usize, toStep: usize, from: usize, fromRow: usize, rows: i32, inner: i32): void {
  const from1 = rows > 1 ? from + fromRow : from
  const from2 = rows > 2 ? from1 + fromRow : from
  const from3 = rows > 3 ? from2 + fromRow : from
  let i: usize = 0
  let left = inner
  for (; left >= 4; left -= 4, i += 16, to += toStep << 2) {
    const r0 = v128.load(from + i), r1 = v128.load(from1 + i), r2 = v128.load(from2 + i), r3 = v128.load(from3 + i)
    const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7)
    const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7)
    v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2))
    v128.store(to + toStep, v128.shuffle<i64>(low01, low23, 1, 3))
    v128.store(to + 2 * toStep, v128.shuffle<i64>(high01, high23, 0, 2))
    v128.store(to + 3 * toStep, v128.shuffle<i64>(high01, high23, 1, 3))
  }
  for (; left; left--, i += 4, to += toStep) {
    store<f32>(to, load<f32>(from + i))
    store<f32>(to, load<f32>(from1 + i), 4)
    store<f32>(to, load<f32>(from2 + i), 8)
    store<f32>(to, load<f32>(from3 + i), 12)
  }
}
