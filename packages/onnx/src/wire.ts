import type { ModelFiles } from './model-files'

/** One field of a message in the protobuf wire format, and the place of its value. */
export interface Field {
  readonly number: number
  /** Wire type: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. */
  readonly wire: number
  /** The value of a varint, exact up to 2^53; a negative number takes ten bytes. */
  readonly value: number
  /** Byte at which the field begins, with its tag. */
  readonly start: number
  /** Place of its value, from … to − 1; with wire type 2, without the length. */
  readonly from: number
  readonly to: number
}

/** Bytes of a file by position, a page at a time, so that skipped bytes are not read. */
export interface Pages {
  readonly size: number
  byte(at: number): number
  bytes(from: number, to: number): Uint8Array
}

const PAGE = 4096
const PAGES_KEPT = 4

/** Pages of one of the model's files; values longer than a page are read whole and not kept. */
export function pagesOf(files: ModelFiles, file: string): Pages {
  const size = files.size(file) ?? 0
  const kept = new Map<number, Uint8Array>()
  let page: Uint8Array = new Uint8Array(0)
  let first = 0
  const turnTo = (at: number) => {
    first = PAGE * Math.floor(at / PAGE)
    const found = kept.get(first)
    page = found ?? files.read(file, first, Math.min(size, first + PAGE))
    if (found) return
    kept.set(first, page)
    if (kept.size > PAGES_KEPT) kept.delete(kept.keys().next().value!)
  }
  return {
    size,
    byte(at) {
      if (at < first || at >= first + page.length) turnTo(at)
      return page[at - first]
    },
    bytes(from, to) {
      if (Math.floor(from / PAGE) === Math.floor((to - 1) / PAGE) && (from < first || from >= first + page.length))
        turnTo(from)
      if (from >= first && to <= first + page.length) return page.slice(from - first, to - first)
      return files.read(file, from, to).slice()
    },
  }
}

/**
 * Reads the fields of a message in order; values are located, not read.
 * Source: protobuf's wire format (varints little end first, tags = number·8 + wire type).
 *
 * @throws RangeError when a tag, a varint or a length does not fit in from … to − 1
 */
export function* fields(pages: Pages, from: number, to: number): Generator<Field> {
  for (let at = from; at < to;) {
    const start = at
    const tag = varint(pages, at, to)
    const wire = tag.value % 8
    const number = Math.floor(tag.value / 8)
    if (number < 1 || number >= 2 ** 29) throw broken(start, `a field with the number ${number}`)
    at = tag.end
    if (wire === 0) {
      const { value, end } = varint(pages, at, to)
      yield { number, wire, value, start, from: at, to: end }
      at = end
      continue
    }
    let length = wire === 1 ? 8 : 4
    if (wire === 2) ({ value: length, end: at } = varint(pages, at, to))
    else if (wire !== 1 && wire !== 5) throw broken(start, `wire type ${wire}`)
    if (!(length >= 0 && length <= to - at)) throw broken(start, `a value of ${length} bytes where ${to - at} are left`)
    yield { number, wire, value: NaN, start, from: at, to: at + length }
    at += length
  }
}

/** Reads a varint that must end before `to`, as a signed number of 64 bits. */
export function varint(pages: Pages, at: number, to: number): { readonly value: number; readonly end: number } {
  let low = 0
  let factor = 1
  for (let i = 0; i < 10; i++) {
    if (at + i >= to) throw broken(at, 'a number that does not end')
    const byte = pages.byte(at + i)
    if (i < 9) low += (byte & 127) * factor
    if (byte < 128) {
      // the tenth byte holds bit 63, the sign
      if (i < 9) return { value: low, end: at + i + 1 }
      return { value: signed(pages, at), end: at + 10 }
    }
    factor *= 128
  }
  throw broken(at, 'a number of more than ten bytes')
}

function signed(pages: Pages, at: number): number {
  let value = 0n
  for (let i = 9; i >= 0; i--) value = (value << 7n) | BigInt(pages.byte(at + i) & 127)
  return Number(BigInt.asIntN(64, value))
}

/** The text of a string field. */
export function textAt(pages: Pages, { from, to }: Pick<Field, 'from' | 'to'>): string {
  let text = ''
  for (let at = from; at < to; at++) {
    const byte = pages.byte(at)
    if (byte >= 128) return new TextDecoder().decode(pages.bytes(from, to))
    text += String.fromCharCode(byte) // nearly all names are ASCII and short: a decoder takes longer
  }
  return text
}

function broken(at: number, what: string): RangeError {
  return new RangeError(`onnx: the file is cut or no ONNX model: ${what} at byte ${at}`)
}
