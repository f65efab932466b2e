// Products of matrices by panels of 8 columns: a panel of b stays in the first cache while strips of 4 rows of a pass.
import { tile } from './tile'

/** One panel: `strips` tiles below each other. The four rows of a strip lie side by side: packed, or a transposed. */
function panelPacked(
  a: usize, aStep: usize, aStrip: usize, b: usize, bStep: usize, inner: usize, strips: usize,
  c: usize, cRow: usize, from: usize, fromRow: usize, add: bool,
): void {
  for (; strips; strips--) {
    tile<v128>(a, aStep, b, bStep, inner, c, cRow, from, fromRow, add)
    a += aStrip
    c += cRow << 2
    if (from) from += fromRow << 2
  }
}

function panel16(a: usize, b: usize, bStep: usize, strips: usize, c: usize, cRow: usize, add: bool): void {
  for (; strips; strips--, a += 256, c += cRow << 2) tile<i8>(a, 4, b, bStep, 16, c, cRow, 0, 0, add)
}

function panel32(a: usize, b: usize, bStep: usize, strips: usize, c: usize, cRow: usize, add: bool): void {
  for (; strips; strips--, a += 512, c += cRow << 2) tile<i16>(a, 4, b, bStep, 32, c, cRow, 0, 0, add)
}

function panel64(a: usize, b: usize, bStep: usize, strips: usize, c: usize, cRow: usize, add: bool): void {
  for (; strips; strips--, a += 1024, c += cRow << 2) tile<i32>(a, 4, b, bStep, 64, c, cRow, 0, 0, add)
}

function panel128(a: usize, b: usize, bStep: usize, strips: usize, c: usize, cRow: usize, add: bool): void {
  for (; strips; strips--, a += 2048, c += cRow << 2) tile<i64>(a, 4, b, bStep, 128, c, cRow, 0, 0, add)
}

/**
 * One panel with a in one of the layouts that `direct` names: 0: side by side with the given steps; 16, 32, 64, 128: dense
 * rows of that many entries, read where they are (from must be 0).
 */
export function panel(
  direct: i32, a: usize, aStep: usize, aStrip: usize, b: usize, bStep: usize, inner: usize, strips: usize,
  c: usize, cRow: usize, from: usize, fromRow: usize, add: bool,
): void {
  if (direct == 64) panel64(a, b, bStep, strips, c, cRow, add)
  else if (direct == 32) panel32(a, b, bStep, strips, c, cRow, add)
  else if (direct == 128) panel128(a, b, bStep, strips, c, cRow, add)
  else if (direct == 16) panel16(a, b, bStep, strips, c, cRow, add)
  else panelPacked(a, aStep, aStrip, b, bStep, inner, strips, c, cRow, from, fromRow, add)
}

/**
 * c (rows × cols) = or += partial + a·b. Reads up to 3 rows of a and 7 columns of b too many and ignores what they give.
 * aStrip: bytes between strips of 4 rows of a; bPanel: between panels of b; edge: 128 bytes of scratch.
 */
export function product(
  direct: i32, a: usize, aStep: usize, aStrip: usize, b: usize, bStep: usize, bPanel: usize,
  rows: i32, inner: usize, cols: i32, c: usize, cRow: usize, from: usize, fromRow: usize, add: bool, edge: usize,
): void {
  const strips = rows >> 2
  for (let column = 0; column < cols; column += 8) {
    const width = min(8, cols - column)
    const whole = width == 8 ? strips : 0
    panel(direct, a, aStep, aStrip, b, bStep, inner, whole, c, cRow, from, fromRow, add)
    for (let strip = whole; strip << 2 < rows; strip++) {
      const height = min(4, rows - (strip << 2))
      const into = c + ((strip << 2) as usize) * cRow
      if (from) copyEdge(edge, 32, from + ((strip << 2) as usize) * fromRow, fromRow, height, width)
      panel(direct, a + (strip as usize) * aStrip, aStep, aStrip, b, bStep, inner, 1, edge, 32, from ? edge : 0, 32, false)
      if (add) addEdge(into, cRow, edge, height, width)
      else copyEdge(into, cRow, edge, 32, height, width)
    }
    b += bPanel
    c += 32
    if (from) from += 32
  }
}

function copyEdge(to: usize, toRow: usize, from: usize, fromRow: usize, height: i32, width: i32): void {
  for (; height; height--, to += toRow, from += fromRow) {
    for (let i: usize = 0; i < (width as usize) << 2; i += 4) store<f32>(to + i, load<f32>(from + i))
  }
}

function addEdge(to: usize, toRow: usize, from: usize, height: i32, width: i32): void {
  for (; height; height--, to += toRow, from += 32) {
    for (let i: usize = 0; i < (width as usize) << 2; i += 4) store<f32>(to + i, load<f32>(to + i) + load<f32>(from + i))
  }
}
