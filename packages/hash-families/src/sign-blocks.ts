// This file computes the signs of a block of 64 indices H ⊕ l, l < 64: x³ = H³ ⊕ (H²l ⊕ Hl²) ⊕ l³. The last part and ⟨a, l⟩ are the same in
// every block: `baseWords` computes them. The other parts are affine in l, seven parities of (a, b): `blockColumns`.
import { multiply64, shift64, square64 } from './field-64'

/**
 * Fills columns[t] for bit t of (a, b): bit 0 says whether it is in ⟨a, H⟩ ⊕ ⟨b, H³⟩, bit 1 + i whether it is in
 * ⟨b, H²·2ⁱ ⊕ H·4ⁱ⟩, which is what bit i of l adds.
 */
export function blockColumns(columns: Uint32Array, first: number): void {
  const low = first >>> 0
  const high = Math.floor(first / 2 ** 32)
  const part = new Uint32Array(2)
  columns.fill(0)
  mark(columns, 0, low, high, 0)
  square64(part, low, high)
  const squareLow = part[0]
  const squareHigh = part[1]
  multiply64(part, squareLow, squareHigh, low, high)
  mark(columns, 64, part[0], part[1], 0)
  for (let i = 0; i < 6; i++) {
    shift64(part, squareLow, squareHigh, i)
    const linearLow = part[0]
    const linearHigh = part[1]
    shift64(part, low, high, 2 * i)
    mark(columns, 64, linearLow ^ part[0], linearHigh ^ part[1], 1 + i)
  }
}

/** Sets bit `bit` of the columns from … on where the 64-bit word has ones. */
function mark(columns: Uint32Array, from: number, low: number, high: number, bit: number): void {
  for (let t = 0; t < 32; t++) {
    columns[from + t] |= ((low >>> t) & 1) << bit
    columns[from + 32 + t] |= ((high >>> t) & 1) << bit
  }
}

/** Fills bases[2·row], bases[2·row + 1]: bit l is c ⊕ ⟨a, l⟩ ⊕ ⟨b, l³⟩. As l³ has 16 bits, the low words of a and b decide; c is 0 or −1. */
export function baseWords(bases: Uint32Array, row: number, aLow: number, bLow: number, c: number): void {
  const tables = (baseTables ??= makeTables())
  const a = 2 * (aLow & 63)
  const b = 128 + 2 * (bLow & 255)
  const b8 = 640 + 2 * ((bLow >>> 8) & 255)
  bases[2 * row] = tables[a] ^ tables[b] ^ tables[b8] ^ c
  bases[2 * row + 1] = tables[a + 1] ^ tables[b + 1] ^ tables[b8 + 1] ^ c
}

/** Table of two words for each of 64 + 256 + 256 values of the low bits of a and the two low bytes of b: constants, made once. */
let baseTables: Uint32Array | undefined

function makeTables(): Uint32Array {
  const tables = new Uint32Array(2 * (64 + 256 + 256))
  const cube = new Uint32Array(2)
  for (let l = 0; l < 64; l++) {
    square64(cube, l, 0)
    multiply64(cube, cube[0], cube[1], l, 0)
    const word = l >> 5
    const put = (from: number, size: number, bits: number) => {
      for (let v = 0; v < size; v++) {
        let set = v & bits
        set ^= set >> 4
        set ^= set >> 2
        set ^= set >> 1
        tables[from + 2 * v + word] |= (set & 1) << (l & 31)
      }
    }
    put(0, 64, l)
    put(128, 256, cube[0] & 255)
    put(640, 256, cube[0] >>> 8)
  }
  return tables
}
