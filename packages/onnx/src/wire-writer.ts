import { encodeUtf8 } from '@sublinear/core'

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
  let bytes = new Uint8Array(FIRST)
  let length = 0
  /** Makes place for more bytes, at the end of those written. */
  const reserve = (more: number) => {
    if (length + more <= bytes.length) return
    const grown = new Uint8Array(Math.max(2 * bytes.length, length + more))
    grown.set(bytes.subarray(0, length))
    bytes = grown
  }
  const varint = (value: number) => {
    reserve(10)
    if (value < 0) {
      const bits = BigInt.asUintN(64, BigInt(value))
      for (let i = 0; i < 10; i++) bytes[length++] = Number((bits >> BigInt(7 * i)) & 127n) + (i < 9 ? 128 : 0)
      return
    }
    let left = value
    for (; left >= 128; left = Math.floor(left / 128)) bytes[length++] = (left % 128) + 128
    bytes[length++] = left
  }
  const writer: MessageWriter = {
    number(field, value) {
      varint(field * 8)
      varint(value)
      return writer
    },
    float(field, value) {
      varint(field * 8 + 5)
      reserve(4)
      new DataView(bytes.buffer).setFloat32(length, value, true)
      length += 4
      return writer
    },
    text: (field, value) => writer.bytes(field, encodeUtf8(value)),
    bytes(field, value) {
      varint(field * 8 + 2)
      varint(value.length)
      return writer.raw(value)
    },
    raw(fields) {
      reserve(fields.length)
      bytes.set(fields, length)
      length += fields.length
      return writer
    },
    finish: () => bytes.slice(0, length),
  }
  return writer
}

/** Bytes that a writer has place for before it grows. */
const FIRST = 128
