import type { SketchKernels } from '../sketch-kernels'

/** Words that say which l < 64 have a bit set: for the constant 1, and for each of the six bits of l. */
const SELECTED = [
  [-1, -1],
  [0xaaaaaaaa, 0xaaaaaaaa],
  [0xcccccccc, 0xcccccccc],
  [0xf0f0f0f0, 0xf0f0f0f0],
  [0xff00ff00, 0xff00ff00],
  [0xffff0000, 0xffff0000],
  [0, -1],
]

export const affineWords: SketchKernels['affineWords'] = (out, keys, bases, columns, count) => {
  const nibbles = new Uint8Array(512) // for each group of four key bits, the XOR of the columns that they select
  for (let t = 0; t < 128; t++) {
    const half = 1 << (t & 3)
    const at = (t >> 2) * 16
    for (let v = 0; v < half; v++) nibbles[at + half + v] = nibbles[at + v] ^ columns[t]
  }
  const words = new Uint32Array(256)
  for (const [i, [low, high]] of SELECTED.entries()) {
    for (let v = 0; v < 1 << i; v++) {
      words[2 * ((1 << i) + v)] = words[2 * v] ^ low
      words[2 * ((1 << i) + v) + 1] = words[2 * v + 1] ^ high
    }
  }
  for (let f = 0; f < count; f++) {
    const at = (f >> 4) * 64 + ((f & 15) >> 2)
    const shift = 8 * (f & 3)
    let s = 0
    for (let byte = 0; byte < 16; byte++) {
      const key = keys[at + 4 * byte] >>> shift
      s ^= nibbles[32 * byte + (key & 15)] ^ nibbles[32 * byte + 16 + ((key >>> 4) & 15)]
    }
    out[2 * f] = bases[2 * f] ^ words[2 * s]
    out[2 * f + 1] = bases[2 * f + 1] ^ words[2 * s + 1]
  }
}
