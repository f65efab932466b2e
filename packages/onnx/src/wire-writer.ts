/** Writes one message: fields in the order of the calls. */
export interface MessageWriter {
  number(field: number, value: number): MessageWriter
  /** Writes four bytes. */
  float(field: number, value: number): MessageWriter
  text(field: number, value: string): MessageWriter
  /** Writes a nested message, or bytes. */
  bytes(field: number, value: Uint8Array): MessageWriter
  /** Writes fields as they are elsewhere, tags included. */
  raw(fields: Uint8Array): MessageWriter
  finish(): Uint8Array
}

/**
 * Makes a writer of messages.
 * Source: protobuf's wire format. Numbers are integers up to 2^53 − 1; negative ones take ten bytes.
 */
export function messageWriter(): MessageWriter {
  const parts: Uint8Array[] = []
  const writer: MessageWriter = {
    number(field, value) {
      parts.push(varintBytes(field * 8), varintBytes(value))
      return writer
    },
    float(field, value) {
      const four = new Uint8Array(4)
      new DataView(four.buffer).setFloat32(0, value, true)
      parts.push(varintBytes(field * 8 + 5), four)
      return writer
    },
    text: (field, value) => writer.bytes(field, new TextEncoder().encode(value)),
    bytes(field, value) {
      parts.push(varintBytes(field * 8 + 2), varintBytes(value.length), value)
      return writer
    },
    raw(fields) {
      parts.push(fields)
      return writer
    },
    finish() {
      const out = new Uint8Array(parts.reduce((total, { length }) => total + length, 0))
      let at = 0
      for (const part of parts) {
        out.set(part, at)
        at += part.length
      }
      return out
    },
  }
  return writer
}

function varintBytes(value: number): Uint8Array {
  if (value < 0) {
    const bits = BigInt.asUintN(64, BigInt(value))
    return Uint8Array.from({ length: 10 }, (_, i) => Number((bits >> BigInt(7 * i)) & 127n) + (i < 9 ? 128 : 0))
  }
  const bytes: number[] = []
  let left = value
  while (left >= 128) {
    bytes.push((left % 128) + 128)
    left = Math.floor(left / 128)
  }
  return Uint8Array.of(...bytes, left)
}
