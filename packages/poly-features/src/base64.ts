/** Encodes floats as base64, in which a spec carries arrays; little-endian on every machine. */
export function encodeFloats(values: Float32Array): string {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (const [i, x] of values.entries()) view.setFloat32(4 * i, x, true)
  return encodeBytes(new Uint8Array(view.buffer))
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Encodes bytes without btoa and atob, which some engines lack. */
export function encodeBytes(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    for (let digit = 0; digit < 4; digit++)
      text += i + digit > bytes.length ? '=' : DIGITS[(three >> (18 - 6 * digit)) & 63]
  }
  return text
}

/** Decodes the `count` floats of a text; refuses any other length first. */
export function decodeFloats(who: string, name: string, text: unknown, count: number): Float32Array {
  const bytes = decodeBytes(who, name, text, 4 * count)
  const view = new DataView(bytes.buffer)
  return Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true))
}

export function decodeBytes(who: string, name: string, text: unknown, count: number): Uint8Array<ArrayBuffer> {
  const wanted = 4 * Math.ceil(count / 3)
  if (typeof text !== 'string') throw new TypeError(`${who}: ${name} must be a string, got ${typeof text}`)
  if (text.length !== wanted || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new RangeError(`${who}: ${name} must be ${count} bytes in base64, ${wanted} characters, got ${text.length}`)
  const digits = text.replace(/=+$/, '')
  const bytes = Math.floor((3 * digits.length) / 4)
  if (bytes !== count) throw new RangeError(`${who}: ${name} must be ${count} bytes, got ${bytes}`)
  const out = new Uint8Array(count)
  for (let i = 0, waiting = 0; i < digits.length; i++) {
    waiting = ((waiting << 6) | DIGITS.indexOf(digits[i])) & 0xffff
    if (i % 4 > 0) out[Math.floor((3 * i) / 4)] = waiting >> (6 - 2 * (i % 4)) // the byte that this digit completes
  }
  return out
}
