// Polynomials modulo p = 2⁶¹ − 1 at keys below 2⁵³.
const P: u64 = 0x1fffffffffffffff

/** out (functions × count): values as two words, or ⌊value·buckets / 2⁶¹⌋ as one where buckets > 0. Keys are doubles. */
export function polynomials(
  out: usize, coefficients: usize, functions: i32, degree: i32, keys: usize, count: i32, buckets: u32,
): void {
  const row = ((degree + 1) as usize) << 3
  for (; functions; functions--, coefficients += row) {
    for (let c = 0, at = keys; c < count; c++, at += 8) {
      const value = evaluate(coefficients, degree, u64(load<f64>(at)))
      if (buckets) {
        store<u32>(out, ((value >> 32) * buckets + (((value & 0xffffffff) * buckets) >> 32)) >> 29)
        out += 4
      } else {
        store<u64>(out, value)
        out += 8
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function evaluate(coefficients: usize, degree: i32, key: u64): u64 {
  const low = key & 0xffffffff
  const high = key >> 32
  let at = coefficients + ((degree as usize) << 3)
  let value = load<u64>(at)
  for (; degree; degree--) {
    at -= 8
    const a = value & 0xffffffff
    const b = value >> 32
    const first = a * low
    const middle = a * high + b * low // < 2^62, times 2^32 = (its low 29 bits)·2^32 + the rest
    value = (first & P) + (first >> 61) + ((middle & 0x1fffffff) << 32) + (middle >> 29) + ((b * high) << 3) + load<u64>(at)
    value = (value & P) + (value >> 61)
  }
  return value >= P ? value - P : value
}
