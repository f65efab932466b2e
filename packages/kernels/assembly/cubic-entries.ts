// Sparse columns from hashes: cubics mod p = 2⁶¹ − 1 at consecutive keys, by forward differences: three additions a key.

const P: u64 = 0x1fffffffffffffff

// @ts-ignore: decorator
@inline
function plus(a: u64, b: u64): u64 {
  const sum = a + b
  return sum >= P ? sum - P : sum
}

// @ts-ignore: decorator
@inline
function minus(a: u64, b: u64): u64 {
  return a >= b ? a - b : a + P - b
}

/**
 * For count keys, `step` bytes apart: t = ⌊h·2·height/2⁶¹⌋ of the cubic h whose first four values lie at `values`; the target is
 * base + ⌊t/2⌋, the factor unit, or −unit where t is odd. `skip` keys are passed over first.
 */
export function cubicEntries(
  targets: usize, factors: usize, step: usize, values: usize, skip: i32, count: i32, height: u32, base: u32, unit: f32,
): void {
  let h = load<u64>(values)
  const h1 = load<u64>(values, 8), h2 = load<u64>(values, 16), h3 = load<u64>(values, 24)
  let d1 = minus(h1, h), d2 = minus(minus(h2, h1), d1)
  const d3 = minus(minus(minus(h3, h2), minus(h2, h1)), d2)
  const twice = (height as u64) << 1
  const bits = reinterpret<u32>(unit)
  for (; skip; skip--) {
    h = plus(h, d1)
    d1 = plus(d1, d2)
    d2 = plus(d2, d3)
  }
  for (; count; count--, targets += step, factors += step) {
    const t = ((h >> 29) * twice + (((h & 0x1fffffff) * twice) >> 29)) >> 32
    store<u32>(targets, base + ((t >> 1) as u32))
    store<u32>(factors, bits ^ ((t as u32) << 31))
    h = plus(h, d1)
    d1 = plus(d1, d2)
    d2 = plus(d2, d3)
  }
}
