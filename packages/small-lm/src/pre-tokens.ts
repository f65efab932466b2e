/** Longest run of letters or of signs that is one pre-token, in bytes; a stream has to hold back as many. */
export const LONGEST_RUN = 1024

/**
 * Finds the end of the pre-token that begins at byte `at`: a run of letters, one or two digits, or a run of other signs, each with at most
 * one space before it; or else a single white space. It ends at the latest where the bytes end.
 * Source: the tokenizer's pattern ` ?[A-Za-z]+| ?[0-9]{1,2}| ?[^A-Za-z0-9\s]+|\s` over UTF-8. Deviation: runs are cut at 1024 bytes, so
 *   that a stream of letters without end needs no memory without end; bytes that are no UTF-8 count as signs, so that none is lost.
 */
export function preTokenEnd(bytes: Uint8Array, at: number): number {
  const start = bytes[at] === SPACE ? at + 1 : at
  const most = Math.min(bytes.length, start + LONGEST_RUN)
  if (start < most) {
    let end = start
    if (isLetter(bytes[start])) {
      while (end < most && isLetter(bytes[end])) end++
      return end
    }
    if (isDigit(bytes[start])) return start + 1 < most && isDigit(bytes[start + 1]) ? start + 2 : start + 1
    while (end < most && isSign(bytes, end)) end++
    if (end > start) return end
  }
  return at + Math.max(1, whiteSpace(bytes, at))
}

/** Number of bytes that must follow a pre-token before its end is known: as many as the longest white space has. */
export const LOOKAHEAD = 3

const SPACE = 0x20

const isLetter = (byte: number) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a
const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39
const isSign = (bytes: Uint8Array, at: number) =>
  !isLetter(bytes[at]) && !isDigit(bytes[at]) && whiteSpace(bytes, at) === 0

/** The length of the white space at a byte, 0 for none: the characters of Python's `\s`, with which the model was trained. */
function whiteSpace(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte < 0x80) return byte === SPACE || (byte >= 0x09 && byte <= 0x0d) || (byte >= 0x1c && byte <= 0x1f) ? 1 : 0
  const second = bytes[at + 1]
  if (byte === 0xc2) return second === 0x85 || second === 0xa0 ? 2 : 0 // next line, no-break space
  const third = bytes[at + 2] ?? 0
  if (byte === 0xe1) return second === 0x9a && third === 0x80 ? 3 : 0 // ogham space
  if (byte === 0xe3) return second === 0x80 && third === 0x80 ? 3 : 0 // ideographic space
  if (byte !== 0xe2) return 0
  if (second === 0x81) return third === 0x9f ? 3 : 0 // mathematical space
  const isSpace = (third >= 0x80 && third <= 0x8a) || third === 0xa8 || third === 0xa9 || third === 0xaf
  return second === 0x80 && isSpace ? 3 : 0 // U+2000 to 200A, line and paragraph separators, narrow no-break space
}
