// Rows of packed codes → floats, four codes at a time: each code's two bytes go to the middle of a float's significand, where a code that lies
// `place` bits up is the number u·2^place with u = code + ½ − 2^(bits − 1), once the implied one is taken off.

/** For each of eight codes: the bytes that it lies in, its bits there, what is put around them and taken off again, and the factors of u and u³. */
const lanes = memory.data(192, 16)

/**
 * out (rows × width) = u·(1 + 2u²/4^bits)·step with u = code − (2^bits − 1)/2. A row begins at from + r·stride with its step (bfloat16), then its
 * codes, lowest bit first. Writes up to 7 floats past the last row; reads up to 8 bytes past it.
 */
export function unpack(out: usize, from: usize, stride: i32, bits: i32, rows: i32, width: i32): void {
  for (let lane: i32 = 0; lane < 8; lane++) {
    const byte = (lane * bits) >> 3, place = 8 + ((lane * bits) & 7)
    const at = lanes + (lane << 2)
    const unit = reinterpret<f32>((127 - place) << 23) // 2^−place
    store<u32>(at, 0xff0000ff | (byte << 8) | ((byte + 1) << 16)) // nothing, two bytes, nothing
    store<u32>(at, ((1 << bits) - 1) << place, 32)
    store<u32>(at, 0x4b000000 | (1 << (place - 1)), 64) // 2^23 and ½
    store<f32>(at, 8388608 + ((1 << (bits - 1 + place)) as f32), 96)
    store<f32>(at, unit, 128)
    store<f32>(at, unit * unit * unit * (2 / ((1 << (2 * bits)) as f32)), 160)
  }
  const bytes0 = v128.load(lanes), bytes1 = v128.load(lanes, 16)
  const codes0 = v128.load(lanes, 32), codes1 = v128.load(lanes, 48)
  const around0 = v128.load(lanes, 64), around1 = v128.load(lanes, 80)
  const off0 = v128.load(lanes, 96), off1 = v128.load(lanes, 112)
  const unit0 = v128.load(lanes, 128), unit1 = v128.load(lanes, 144)
  const curve0 = v128.load(lanes, 160), curve1 = v128.load(lanes, 176)
  const row = (width as usize) << 2
  for (; rows; rows--, from += stride, out += row) {
    const step = f32x4.splat(reinterpret<f32>((load<u16>(from) as u32) << 16))
    let at = from + 2
    const end = out + row
    for (let to = out; to < end; to += 32, at += bits) {
      const eight = v128.load64_zero(at)
      const u0 = f32x4.sub(v128.or(v128.and(i8x16.swizzle(eight, bytes0), codes0), around0), off0)
      const u1 = f32x4.sub(v128.or(v128.and(i8x16.swizzle(eight, bytes1), codes1), around1), off1)
      const bend0 = f32x4.add(f32x4.mul(f32x4.mul(u0, u0), curve0), unit0)
      const bend1 = f32x4.add(f32x4.mul(f32x4.mul(u1, u1), curve1), unit1)
      v128.store(to, f32x4.mul(f32x4.mul(u0, bend0), step))
      v128.store(to, f32x4.mul(f32x4.mul(u1, bend1), step), 16)
    }
  }
}
