// Words of 64 signs: base ⊕ A(s), where s is a linear function of a 128-bit key; 16 keys lie side by side, byte by byte.

/**
 * out[f] (64 bits) = bases[f] ⊕ A(s) for f < count: s is the XOR of columns[t] over the set bits t of key f, and bit l of A(s)
 * is the parity of s & (1 + 2l). scratch: 1552 bytes.
 */
export function affineWords(out: usize, keys: usize, bases: usize, columns: usize, count: i32, scratch: usize): void {
  const nibbles = scratch, words = scratch + 512, sums = scratch + 1536
  nibbleTables(nibbles, columns)
  affineTable(words)
  const low = i8x16.splat(15)
  for (let left = count; left > 0; left -= 16, keys += 256) {
    let s = i64x2(0, 0)
    for (let byte: usize = 0; byte < 256; byte += 16) {
      const k = v128.load(keys + byte)
      const table = nibbles + (byte << 1)
      s = v128.xor(s, i8x16.swizzle(v128.load(table), v128.and(k, low)))
      s = v128.xor(s, i8x16.swizzle(v128.load(table, 16), v128.and(i16x8.shr_u(k, 4), low)))
    }
    v128.store(sums, s)
    const whole: usize = min(left, 16)
    for (let f: usize = 0; f < whole; f++, out += 8, bases += 8) {
      store<u64>(out, load<u64>(bases) ^ load<u64>(words + ((load<u8>(sums + f) as usize) << 3)))
    }
  }
}

/** For each of the 32 groups of four key bits: the XOR of the columns that each of its 16 values selects. */
function nibbleTables(to: usize, columns: usize): void {
  for (let group = 0; group < 32; group++, to += 16, columns += 16) {
    store<u8>(to, 0)
    for (let i: usize = 0; i < 4; i++) {
      const column = load<u8>(columns + (i << 2))
      const half: usize = 1 << i
      for (let v: usize = 0; v < half; v++) store<u8>(to + half + v, load<u8>(to + v) ^ column)
    }
  }
}

/** A(s) for s < 128. */
function affineTable(to: usize): void {
  store<u64>(to, 0)
  for (let i: usize = 0; i < 7; i++) {
    let word: u64 = -1
    if (i == 1) word = 0xaaaaaaaaaaaaaaaa
    else if (i == 2) word = 0xcccccccccccccccc
    else if (i == 3) word = 0xf0f0f0f0f0f0f0f0
    else if (i == 4) word = 0xff00ff00ff00ff00
    else if (i == 5) word = 0xffff0000ffff0000
    else if (i == 6) word = 0xffffffff00000000
    const half: usize = 1 << i
    for (let v: usize = 0; v < half; v++) store<u64>(to + ((half + v) << 3), load<u64>(to + (v << 3)) ^ word)
  }
}
