import type { Kernels } from '../kernels'
import { floats } from './operands'

// Integers and + − × ÷ √ in the order of assembly/normal-columns.ts: the same bits on every engine.

const words = new Int32Array(4)
const LN2 = 6243314768165359 / 9007199254740992 // 0.6931471805599453, exactly

export const normalColumns: Kernels['normalColumns'] = (outOperand, key, stream, first, rows, count, unit) => {
  const out = floats(outOperand)
  for (let c = 0; c < count; c++) {
    const index = first + c
    const low = index % 4294967296
    const high = (index - low) / 4294967296
    for (let r = 0; r < rows; r++) {
      if (r % 4 === 0) philox(key, r / 4, low, high, stream)
      out[r * count + c] = normal(words[r % 4]) * unit
    }
  }
}

/** Φ⁻¹((w + ½)·2⁻³²) for a word w, given as a signed or an unsigned number; relative error ≤ 1e-15, |z| ≤ 6.3. */
export function normal(word: number): number {
  const s = word ^ 0x80000000 // w − 2^31
  const q = (s + 0.5) / 4294967296 // u − ½
  if ((s ^ (s >> 31)) <= 1825361100) {
    // |q| ≤ 0.425
    const r = 0.180625 - q * q
    return (q * ratioNumerator(middle, r)) / ratioDenominator(middle, r)
  }
  const r = Math.sqrt(-lnTail(0x7fffffff ^ s ^ (s >> 31))) - 1.6
  const z = ratioNumerator(outer, r) / ratioDenominator(outer, r)
  return s < 0 ? -z : z
}

/** ln((k + ½)·2⁻³²) for an integer 0 ≤ k < 2^30: p = m·2^e with m from 0.7071 to 1.4142, s = (m − 1)/(m + 1), 2(s + s³/3 + … + s¹⁹/19). */
export function lnTail(k: number): number {
  const odd = 2 * k + 1
  const top = 31 - Math.clz32(odd)
  let m = odd / (1 << top)
  let e = top - 33
  if (m >= 0x16a09e / 0x100000) {
    m = m / 2
    e = e + 1
  }
  const s = (m - 1) / (m + 1)
  const square = s * s
  let sum = 1 / 19
  for (let i = 17; i >= 3; i -= 2) sum = sum * square + 1 / i
  const twice = s + s
  return e * LN2 + (twice + twice * square * sum)
}

/** Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), PPND16. In turns: numerator and denominator, highest power first. */
// prettier-ignore
const middle = [
  2509.0809287301227, 5226.495278852854, 33430.57558358813, 28729.085735721943,
  67265.7709270087, 39307.89580009271, 45921.95393154987, 21213.794301586597,
  13731.69376550946, 5394.196021424751, 1971.5909503065513, 687.1870074920579,
  133.14166789178438, 42.31333070160091, 3.3871328727963665, 1,
]
// prettier-ignore
const outer = [
  0.0007745450142783414, 1.0507500716444169e-09, 0.022723844989269184, 0.0005475938084995345,
  0.2417807251774506, 0.015198666563616457, 1.2704582524523684, 0.14810397642748008,
  3.6478483247632045, 0.6897673349851, 5.769497221460691, 1.6763848301838038,
  4.630337846156546, 2.053191626637759, 1.4234371107496835, 1,
]

function ratioNumerator(c: number[], r: number): number {
  return ((((((c[0] * r + c[2]) * r + c[4]) * r + c[6]) * r + c[8]) * r + c[10]) * r + c[12]) * r + c[14]
}

function ratioDenominator(c: number[], r: number): number {
  return ((((((c[1] * r + c[3]) * r + c[5]) * r + c[7]) * r + c[9]) * r + c[11]) * r + c[13]) * r + c[15]
}

/** Philox4x32-10 into `words`; core has it too, but the kernels stand on nothing. */
function philox(key: readonly [number, number], c0: number, c1: number, c2: number, c3: number): void {
  let k0 = key[0] | 0
  let k1 = key[1] | 0
  for (let round = 0; round < 10; round++) {
    const x0 = highProduct(0xcd9e8d57, c2) ^ c1 ^ k0
    const x2 = highProduct(0xd2511f53, c0) ^ c3 ^ k1
    c1 = Math.imul(0xcd9e8d57, c2)
    c3 = Math.imul(0xd2511f53, c0)
    c0 = x0
    c2 = x2
    k0 = (k0 + 0x9e3779b9) | 0
    k1 = (k1 + 0xbb67ae85) | 0
  }
  words[0] = c0
  words[1] = c1
  words[2] = c2
  words[3] = c3
}

/** The upper 32 bits of the product of two 32-bit words, from 16-bit halves. */
function highProduct(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16]
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const other = aLow * bHigh + (middle & 0xffff)
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(other / 65536)) | 0
}
