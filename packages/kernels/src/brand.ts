/**
 * The kind of typed array that a value is: its constructor's name, or undefined where it is none. Arrays of another realm count (of a frame, of a vm
 * context, of a test runner's sandbox), to which `instanceof` is blind.
 */
export function brandOf(value: unknown): string | undefined {
  return ArrayBuffer.isView(value) ? Object.prototype.toString.call(value).slice(8, -1) : undefined
}

/** Whether it is a Float32Array, of whatever realm. */
export function isFloat32(value: unknown): value is Float32Array {
  return value instanceof Float32Array || brandOf(value) === 'Float32Array'
}

/** Whether it is a Float64Array, of whatever realm. */
export function isFloat64(value: unknown): value is Float64Array {
  return value instanceof Float64Array || brandOf(value) === 'Float64Array'
}

/** Whether it is a Uint8Array, of whatever realm; Node's Buffer is one. */
export function isUint8(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || brandOf(value) === 'Uint8Array'
}

/** Whether it is a Uint32Array, of whatever realm. */
export function isUint32(value: unknown): value is Uint32Array {
  return value instanceof Uint32Array || brandOf(value) === 'Uint32Array'
}
