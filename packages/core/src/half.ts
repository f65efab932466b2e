/** Converts float16 bits to float32: exact, NaN payloads kept. */
export function fromHalf(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const table = (halves ??= halfTable())
  const words = new Uint32Array(out.buffer, out.byteOffset, bits.length)
  for (let i = 0; i < bits.length; i++) words[i] = table[bits[i]]
  return out
}

let halves: Uint32Array | undefined

function halfTable(): Uint32Array {
  const words = new Uint32Array(65536)
  const floats = new Float32Array(words.buffer)
  for (let half = 0; half < 65536; half++) {
    const size = half & 0x7fff
    words[half] = size << 13 // exponent and fraction are in place, but the exponent is too low by the difference of the biases, 112
    floats[half] *= 2 ** 112
    words[half] |= ((half & 0x8000) << 16) | (size >= 0x7c00 ? 0x7f800000 : 0)
  }
  return words
}

/** The nearest float16 of each number, as bits: ties to even, 65520 and beyond to Infinity, NaN to a quiet NaN. */
export function toHalf(data: Float32Array | Float64Array): Uint16Array {
  const bits = new Uint16Array(data.length)
  const wide = new DataView(new ArrayBuffer(8))
  for (let i = 0; i < data.length; i++) {
    wide.setFloat64(0, data[i])
    const high = wide.getUint32(0)
    const sign = (high >>> 16) & 0x8000
    const exponent = Math.max((high >>> 20) & 0x7ff, 1009) // float16 is evenly spaced below 2^-14, whose exponent is 1009
    if (exponent > 1038) {
      bits[i] = sign | (Number.isNaN(data[i]) ? 0x7e00 : 0x7c00)
      continue
    }
    const steps = Math.abs(data[i]) * (2 ** 24 / (1 << (exponent - 1009)))
    const rounded = steps + 2 ** 52 - 2 ** 52 // rounds to the nearest integer, ties to even
    bits[i] = sign | ((exponent - 1009) * 1024 + rounded) // a carry runs into the exponent, as it should
  }
  return bits
}

/** Converts bfloat16 bits to float32: exact, NaN payloads kept. */
export function fromBfloat16(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, bits.length)
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16
  return out
}

/** The nearest bfloat16 of each float32, as bits: ties to even. */
export function toBfloat16(data: Float32Array): Uint16Array {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length)
  const bits = new Uint16Array(data.length)
  for (let i = 0; i < bits.length; i++) {
    const x = words[i]
    bits[i] = (x & 0x7fffffff) > 0x7f800000 ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16
  }
  return bits
}
