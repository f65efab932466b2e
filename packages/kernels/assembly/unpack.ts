// Rows of packed codes → floats, eight codes at a time: each code's two bytes go to a 16-bit lane, a product moves it to the top of the lane,
// one shift brings it down.

/** Where the bytes of eight codes lie, and how far each is from the top of its lane; filled anew by every call. */
const places = memory.data(32, 16)

/**
 * out (rows × width) = u·(1 + 2u²/4^bits)·step with u = code − (2^bits − 1)/2. A row begins at from + r·stride with its step (bfloat16), then its
 * codes, lowest bit first. Writes up to 7 floats past the last row; reads up to 8 bytes past it.
 */
export function unpack(out: usize, from: usize, stride: i32, bits: i32, rows: i32, width: i32): void {
  for (let lane: i32 = 0; lane < 8; lane++) {
    const bit = lane * bits
    const at = places + (lane << 1)
    store<u8>(at, (bit >> 3) as u8)
    store<u8>(at + 1, ((bit >> 3) + 1) as u8)
    store<u16>(at, ((1 as u32) << ((16 - bits - (bit & 7)) as u32)) as u16, 16)
  }
  const bytes = v128.load(places), factors = v128.load(places + 16)
  const down = 16 - bits
  const half = f32x4.splat((((1 << bits) - 1) as f32) / 2)
  const curve = f32x4.splat(2 / ((1 << (2 * bits)) as f32))
  const one = f32x4.splat(1)
  const row = (width as usize) << 2
  for (; rows; rows--, from += stride, out += row) {
    const step = f32x4.splat(reinterpret<f32>((load<u16>(from) as u32) << 16))
    let at = from + 2
    const end = out + row
    for (let to = out; to < end; to += 32, at += bits) {
      const spread = i8x16.swizzle(v128.load64_zero(at), bytes)
      const codes = i16x8.shr_u(i16x8.mul(spread, factors), down)
      const u0 = f32x4.sub(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(codes)), half)
      const u1 = f32x4.sub(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(codes)), half)
      const bend0 = f32x4.add(one, f32x4.mul(f32x4.mul(u0, u0), curve))
      const bend1 = f32x4.add(one, f32x4.mul(f32x4.mul(u1, u1), curve))
      v128.store(to, f32x4.mul(f32x4.mul(u0, bend0), step))
      v128.store(to, f32x4.mul(f32x4.mul(u1, bend1), step), 16)
    }
  }
}
