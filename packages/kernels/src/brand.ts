/**
 * The kind of typed array that a value is: the name of its constructor; undefined where it is no typed array. Arrays of another realm count (a frame, a vm
 * context, the sandbox of a test runner), for which `instanceof` is false.
 */
export function brandOf(value: unknown): string | undefined {
  return ArrayBuffer.isView(value) ? Object.prototype.toString.call(value).slice(8, -1) : undefined
}

/** Whether a value is a Float32Array, of whatever realm. */
export function isFloat32(value: unknown): value is Float32Array {
  return value instanceof Float32Array || brandOf(value) === 'Float32Array'
}

/** Whether a value is a Float64Array, of whatever realm. */
export function isFloat64(value: unknown): value is Float64Array {
  return value instanceof Float64Array || brandOf(value) === 'Float64Array'
}

/** Whether a value is a Uint8Array, of whatever realm; Node's Buffer is one. */
export function isUint8(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || brandOf(value) === 'Uint8Array'
}

/** Whether a value is a Uint32Array, of whatever realm. */
export function isUint32(value: unknown): value is Uint32Array {
  return value instanceof Uint32Array || brandOf(value) === 'Uint32Array'
}
