/** Bytes as base64, what a spec carries arrays in; little-endian on every machine. */
export function encodeFloats(values: Float32Array): string {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (const [i, x] of values.entries()) view.setFloat32(4 * i, x, true)
  return encodeBytes(new Uint8Array(view.buffer))
}

export function encodeBytes(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096))
  return btoa(text)
}

/** The `count` floats of a text; refuses any other length before it decodes. */
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
  const decoded = atob(text)
  if (decoded.length !== count) throw new RangeError(`${who}: ${name} must be ${count} bytes, got ${decoded.length}`)
  return Uint8Array.from(decoded, (c) => c.charCodeAt(0))
}
