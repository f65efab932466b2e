import { decodeUtf8, latin1 } from './utf8'

export type JsonReader = ReturnType<typeof jsonReader>

/** Reads the JSON that a header may hold: objects, strings, lists of whole numbers. It does not recurse, so no depth needs a bound. */
export function jsonReader(bytes: Uint8Array) {
  let at = 0
  const wrong = (what: string, expected: string) => {
    const found = at >= bytes.length ? 'the end of the header' : JSON.stringify(String.fromCharCode(bytes[at]))
    return fault(what, 8 + at, expected, found)
  }
  const skip = () => {
    while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++
  }
  /** Takes one of two characters, and white space after it; tells whether it was the first of the two. */
  const take = (what: string, first: string, second = first) => {
    const is = bytes[at] === first.charCodeAt(0)
    if (!is && bytes[at] !== second.charCodeAt(0)) throw wrong(what, first === second ? first : `${first} or ${second}`)
    at++
    skip()
    return is
  }
  const string = (what: string): string => {
    const begin = at
    if (bytes[at] !== 0x22) throw wrong(what, 'a string')
    let isPlain = true // ASCII without escapes, as nearly all names are: no parser is needed
    for (at++; bytes[at] !== 0x22; at++) {
      if (bytes[at] === 0x5c) at++
      if (!(bytes[at] >= 0x20)) throw wrong(what, 'the rest of a string')
      isPlain &&= bytes[at - 1] !== 0x5c && bytes[at] < 0x80
    }
    at++
    const value = isPlain ? latin1(bytes.subarray(begin + 1, at - 1)) : readString(bytes.subarray(begin, at))
    if (value === undefined) throw fault(what, 8 + begin, 'a JSON string in well-formed UTF-8', 'something else')
    skip()
    return value
  }
  const integer = (what: string): number => {
    const begin = at
    while (bytes[at] >= 0x30 && bytes[at] <= 0x39) at++
    const digits = latin1(bytes.subarray(begin, Math.min(at, begin + 17)))
    if (digits === '') throw wrong(what, 'a whole number')
    if ((digits.length > 1 && digits.startsWith('0')) || !Number.isSafeInteger(Number(digits))) {
      throw fault(what, 8 + begin, 'a whole number up to 2^53 - 1', digits)
    }
    skip()
    return Number(digits)
  }
  return {
    string,
    /** Reads an object: calls `member` for every name when the reader stands at its value. No name may come twice. */
    object(what: string, member: (name: string, at: number) => void) {
      const seen = new Set<string>()
      take(what, '{')
      if (bytes[at] === 0x7d) return void take(what, '}')
      do {
        const begin = 8 + at
        const name = string(`${what} name`)
        if (seen.has(name)) throw fault(`${what} name`, begin, 'each name once', `${JSON.stringify(name)} again`)
        seen.add(name)
        take(what, ':')
        member(name, begin)
      } while (take(what, ',', '}'))
    },
    list(what: string, most: number): number[] {
      const list: number[] = []
      take(what, '[')
      if (bytes[at] === 0x5d) return (void take(what, ']'), list)
      do {
        if (list.length === most) throw wrong(what, `at most ${most} numbers`)
        list.push(integer(what))
      } while (take(what, ',', ']'))
      return list
    },
    end() {
      if (at < bytes.length) throw wrong('header', 'nothing but spaces after it')
    },
  }
}

/** The text of a quoted JSON string, or undefined when it is malformed. */
function readString(quoted: Uint8Array): string | undefined {
  try {
    const value: string = JSON.parse(decodeUtf8(quoted))
    return loneSurrogate.test(value) ? undefined : value
  } catch {
    return undefined
  }
}

/** An error in the grammar of this codec. */
export function fault(what: string, at: number, expected: string, found: string): RangeError {
  return new RangeError(`safetensors: ${what} at byte ${at}: expected ${expected}, found ${found}`)
}

export const loneSurrogate = /\p{Surrogate}/u
