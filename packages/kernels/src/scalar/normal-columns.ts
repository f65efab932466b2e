import type { SketchKernels } from '../sketch-kernels'
import { philox } from '../philox'
import { floats } from './operands'

// This file computes with integers and + − × ÷ √ in the order of assembly/normal-columns.ts: the same bits on every engine.

const words = new Uint32Array(4)
const LN2 = 6243314768165359 / 9007199254740992 // 0.6931471805599453, exactly

export const normalColumns: SketchKernels['normalColumns'] = (outOperand, key, stream, first, rows, count, unit) => {
  const out = floats(outOperand)
  for (let c = 0; c < count; c++) {
    const index = first + c
    const low = index % 4294967296
    const high = (index - low) / 4294967296
    for (let r = 0; r < rows; r++) {
      if (r % 4 === 0) philox(words, key[0], key[1], r / 4, low, high, stream)
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

/**
 * Coefficients of Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), PPND16. For each range, the numerator's come first, then the denominator's, highest
 * power first.
 */
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
