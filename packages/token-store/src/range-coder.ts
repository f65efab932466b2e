/** Bits of a whole: the shares of symbols are parts of 2^12. */
export const SHARE_BITS = 12
/** The range never falls below this number, so that no share of it is empty. */
const LEAST = 0x1000000
const WHOLE = 0x100000000

/** Writes symbols by their shares, in integers. */
export interface RangeEncoder {
  /** Number of bytes if it ended here. */
  readonly size: number
  /** Writes a symbol: the part from `low` on, `share` wide, of 2^bits equal parts; bits ≤ 16. */
  write(low: number, share: number, bits: number): void
  /** Ends the code and returns the bytes; nothing can be written afterwards. */
  end(): Uint8Array
}

/**
 * Makes a range encoder: every symbol narrows an interval of integers to its share, and leading bytes are written as they become known.
 * Source: Martin (1979), "Range encoding". Deviation: a carry is added to bytes already written, and the end is one byte, since the last interval always contains a
 *   multiple of 2^24 and a reader reads zeros behind the end.
 *
 * Guarantee: integers below 2^53 alone, so the same bytes on every engine. `size` never falls as symbols come.
 * Cost: about a division a symbol; −log₂ of the shares in bits, at most 2^-11 of that more, and a byte.
 */
export function rangeEncoder(): RangeEncoder {
  let bytes = new Uint8Array(256)
  let used = 0
  let low = 0
  let range = WHOLE - 1

  const out = (byte: number) => {
    if (used === bytes.length) {
      const wider = new Uint8Array(2 * used)
      wider.set(bytes)
      bytes = wider
    }
    bytes[used++] = byte
  }
  const carry = () => {
    let at = used - 1
    while (bytes[at] === 255) bytes[at--] = 0
    bytes[at]++
  }

  return {
    get size() {
      return used + 1
    },
    write(from, share, bits) {
      const part = range >>> bits
      low += part * from
      range = part * share
      if (low >= WHOLE) {
        low -= WHOLE
        carry()
      }
      while (range < LEAST) {
        out(low >>> 24)
        low = (low << 8) >>> 0
        range = (range << 8) >>> 0
      }
    },
    end() {
      const top = Math.ceil(low / LEAST)
      if (top === 256) carry()
      out(top & 255)
      return bytes.slice(0, used)
    },
  }
}

/** Reads what a `rangeEncoder` wrote, symbol by symbol. Whatever the bytes, every answer is in range. */
export interface RangeDecoder {
  /** Tells which of 2^bits parts comes next. `take` must follow. */
  place(bits: number): number
  /** Takes the symbol from `low` on, `share` wide, in which the place lies. */
  take(low: number, share: number): void
  /** Whether all bytes were needed, and no more than these. */
  readonly isDone: boolean
}

/** The decoder of the bytes. */
export function rangeDecoder(bytes: Uint8Array): RangeDecoder {
  const end = bytes.length
  let at = 0
  let code = 0
  let range = WHOLE - 1
  let part = 1
  /** Reads one more byte; zeros behind the end. */
  const shift = () => {
    code = ((code << 8) | (at < end ? bytes[at] : 0)) >>> 0
    at++
  }
  for (let i = 0; i < 4; i++) shift()

  return {
    place(bits) {
      part = range >>> bits
      const place = (code / part) >>> 0
      const most = (1 << bits) - 1
      return place < most ? place : most
    },
    take(low, share) {
      code = (code - part * low) >>> 0
      range = part * share
      while (range < LEAST) {
        range = (range << 8) >>> 0
        shift()
      }
    },
    get isDone() {
      return at - end === 3 && code < range // four bytes are read ahead, one of which is the end
    },
  }
}
