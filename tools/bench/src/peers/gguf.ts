/** A tensor of a GGUF file; its shape begins with the outermost dimension, as in safetensors. */
export interface GgufTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Entries; a Uint16Array holds the bits of float16 numbers. */
  readonly data: Float32Array | Uint16Array
}

/** Whole numbers are written as uint32; write other numbers as { float }. */
export type GgufValue = string | number | { readonly float: number }

const VERSION = 3
const ALIGNMENT = 32
const TYPE = { uint32: 4, float32: 6, string: 8 }
const TENSOR_TYPE = { float32: 0, float16: 1 }

/**
 * The bytes of a GGUF file, the format that llama.cpp loads.
 * Source: the format's specification, version 3, little-endian: header, values by name, places of the tensors, their data at multiples of 32.
 */
export function gguf(values: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Uint8Array {
  const head: Uint8Array[] = [Buffer.from('GGUF'), uint32(VERSION), uint64(tensors.length)]
  head.push(uint64(Object.keys(values).length))
  for (const [name, value] of Object.entries(values)) head.push(text(name), typed(value))
  let offset = 0
  for (const { name, shape, data } of tensors) {
    if (shape.reduce((a, b) => a * b, 1) !== data.length)
      throw new RangeError(`gguf: ${name} has ${data.length} entries, its shape says ${shape.join(' × ')}`)
    const type = data instanceof Uint16Array ? TENSOR_TYPE.float16 : TENSOR_TYPE.float32
    head.push(text(name), uint32(shape.length), ...shape.toReversed().map(uint64), uint32(type), uint64(offset))
    offset += aligned(data.byteLength)
  }
  const start = aligned(head.reduce((total, { length }) => total + length, 0))
  const out = new Uint8Array(start + offset)
  let at = 0
  for (const part of head) {
    out.set(part, at)
    at += part.length
  }
  at = start
  for (const { data } of tensors) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += aligned(data.byteLength)
  }
  return out
}

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

function typed(value: GgufValue): Uint8Array {
  if (typeof value === 'string') return Buffer.concat([uint32(TYPE.string), text(value)])
  if (typeof value === 'number') return Buffer.concat([uint32(TYPE.uint32), uint32(value)])
  const float = Buffer.alloc(4)
  float.writeFloatLE(value.float)
  return Buffer.concat([uint32(TYPE.float32), float])
}

function text(value: string): Uint8Array {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint64(bytes.length), bytes])
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function uint64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
