const NOT_ASCII = /[^\0-\x7f]/

/**
 * Encodes a text as UTF-8 without TextEncoder, which some engines lack (jest's jsdom): snapshots can be written there, too.
 *
 * Cost: O(length).
 *
 * @throws URIError when the text has a lone surrogate
 */
export function encodeUtf8(text: string): Uint8Array {
  const binary = NOT_ASCII.test(text)
    ? encodeURIComponent(text).replace(/%(..)/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
    : text
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

/**
 * Decodes UTF-8 without TextDecoder; a byte order mark stays in the text as a character.
 *
 * Cost: O(length).
 *
 * @throws URIError when the bytes are not UTF-8: a truncated or overlong sequence, a surrogate, a code point beyond U+10FFFF
 */
export function decodeUtf8(bytes: Uint8Array): string {
  const binary = latin1(bytes)
  if (!NOT_ASCII.test(binary)) return binary
  const escaped = binary.replace(/[^\0-\x7f]|%/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return decodeURIComponent(escaped)
}

/**
 * Makes a text of bytes, each the character of its number, in pieces that fit a call.
 *
 * Cost: O(length).
 */
export function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let from = 0; from < bytes.length; from += 4096)
    text += String.fromCharCode.apply(null, bytes.subarray(from, from + 4096) as unknown as number[])
  return text
}
