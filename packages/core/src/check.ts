import { brandOf, isFloat32, kernelsInUse } from '@sublinear/kernels'
import type { KvBlock, Matrix, Seed } from './contracts'

/**
 * Checks that a value is an integer from `least` to `most`. All checks of this file speak one grammar: `amsSketch: m must be an integer >= 1, got 0`, where
 * `who` is the function that the user called.
 */
export function checkInteger(
  who: string,
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== 'number')
    throw new TypeError(`${who}: ${name} must be an integer >= ${least}, got ${show(value)}`)
  if (!Number.isInteger(value) || value < least || value > most) {
    const open = most === Number.MAX_SAFE_INTEGER && !(value > most)
    const bound = open ? `an integer >= ${least}` : `an integer from ${least} to ${most}`
    throw new RangeError(`${who}: ${name} must be ${bound}, got ${value}`)
  }
}

/** Checks that a value is an object and returns it: options that are missing are refused by the name of the function that wants them. */
export function checkObject<T>(who: string, value: T, name = 'options'): T {
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`${who}: ${name} must be an object, got ${show(value)}`)
  return value
}

/** Checks that a value is an integer ≥ 0, and small enough for the length of a float32 array. */
export function checkSize(who: string, name: string, value: unknown): asserts value is number {
  checkInteger(who, name, value, 0, 2 ** 53 - 1)
}

/** Checks that a value is a finite number, and above `over` where `over` is given. */
export function checkFinite(who: string, name: string, value: unknown, over = -Infinity): asserts value is number {
  const wanted = over === -Infinity ? 'a finite number' : `a finite number > ${over}`
  if (typeof value !== 'number') throw new TypeError(`${who}: ${name} must be ${wanted}, got ${show(value)}`)
  if (!Number.isFinite(value) || value <= over) throw new RangeError(`${who}: ${name} must be ${wanted}, got ${value}`)
}

/** Checks a seed and returns it as 64 bits. */
export function checkSeed(who: string, seed: Seed): bigint {
  if (typeof seed === 'bigint') {
    if (seed < 0n || seed >= 1n << 64n) throw new RangeError(`${who}: seed must be from 0 to 2^64 - 1, got ${seed}`)
    return seed
  }
  checkInteger(who, 'seed', seed, 0)
  return BigInt(seed)
}

/** Checks a matrix: whole numbers of rows and columns, data that fit them, `cols` columns and `rows` rows where these are given, and every entry finite. */
export function checkMatrix(who: string, name: string, value: Matrix, cols?: number, rows?: number): void {
  checkShape(who, name, value, cols, rows)
  checkEntries(who, name, value.data, value.cols)
}

/** Checks the shape of a matrix alone: for outputs, and for data that is checked elsewhere. */
export function checkShape(who: string, name: string, value: Matrix, cols?: number, rows?: number): void {
  if (!isFloat32(value?.data)) {
    throw new TypeError(`${who}: ${name} must be a Matrix with Float32Array data, got ${showMatrix(value)}`)
  }
  checkSize(who, `${name}.rows`, value.rows)
  checkSize(who, `${name}.cols`, value.cols)
  if (value.data.length !== value.rows * value.cols) {
    throw new RangeError(
      `${who}: ${name} must have ${value.rows} x ${value.cols} = ${value.rows * value.cols} entries, got ${value.data.length}`,
    )
  }
  if (cols !== undefined && value.cols !== cols) {
    throw new RangeError(`${who}: ${name} must have ${cols} columns, got ${value.cols}`)
  }
  if (rows !== undefined && value.rows !== rows) {
    throw new RangeError(`${who}: ${name} must have ${rows} rows, got ${value.rows}`)
  }
}

/** Refuses NaN and ±Infinity; the error names row and column. */
export function checkEntries(who: string, name: string, data: Float32Array, cols: number): void {
  checkWithin(who, name, data, cols, LARGEST_FLOAT)
}

/** Tells whether no entry is NaN or ±Infinity. */
export function isFinite(data: Float32Array): boolean {
  return isWithin(data, LARGEST_FLOAT)
}

const LARGEST_FLOAT = (2 - 2 ** -23) * 2 ** 127
export const LARGEST_KEY = 2 ** 50 // with scale ≤ 2^10, sums of up to 2^17 products of such numbers stay within float32
export const LARGEST_VALUE = 2 ** 64 // sums of such numbers over a total weight of 2^53 stay within float32
const LARGEST_SCALE = 2 ** 10
const LARGEST_WEIGHT = 2 ** 53
const LEAST_WEIGHT = 2 ** -100 // with smaller weights, products with features and values would lose bits
/** Below this, a loop is faster than a call of the kernels. */
const FEW = 128

/** Tells whether every entry is a number of magnitude at most `largest`. */
function isWithin(data: Float32Array, largest: number): boolean {
  return data.length > FEW ? kernelsInUse().largestMagnitude(data, data.length) <= largest : areWithin(data, largest)
}

/** The loop alone: V8 would compile the kernels into it, and that takes it ten times as long. */
function areWithin(data: Float32Array, largest: number): boolean {
  for (let i = 0; i < data.length; i++) if (!(Math.abs(data[i]) <= largest)) return false
  return true
}

function checkWithin(who: string, name: string, data: Float32Array, cols: number, largest: number): void {
  if (isWithin(data, largest)) return
  const at = data.findIndex((x) => !(Number.isFinite(x) && Math.abs(x) <= largest))
  const limit = Number.isFinite(data[at]) ? `at most 2^${Math.log2(largest)} in magnitude` : 'finite'
  throw new RangeError(
    `${who}: ${name} must be ${limit}, got ${data[at]} at row ${Math.floor(at / cols)}, column ${at % cols}`,
  )
}

/** Checks queries or keys (rows × d): a matrix with entries of at most 2^50 in magnitude, so that no score leaves float32. */
export function checkKeys(who: string, name: string, value: Matrix, d?: number, rows?: number): void {
  checkShape(who, name, value, d, rows)
  checkWithin(who, name, value.data, value.cols, LARGEST_KEY)
}

/** Checks values (rows × dv): a matrix with entries of at most 2^64 in magnitude, so that no weighted sum leaves float32. */
export function checkValues(who: string, name: string, value: Matrix, dv?: number, rows?: number): void {
  checkShape(who, name, value, dv, rows)
  checkWithin(who, name, value.data, value.cols, LARGEST_VALUE)
}

/** Checks the factor inside exp: a finite number of at most 2^10 in magnitude. */
export function checkScale(who: string, scale: unknown): asserts scale is number {
  checkFinite(who, 'scale', scale)
  if (Math.abs(scale) > LARGEST_SCALE)
    throw new RangeError(`${who}: scale must be at most 2^10 in magnitude, got ${scale}`)
}

/** Checks a block: keys b × d, values b × dv, and weights, if there are any: b numbers from 2^-100 to 2^53. */
export function checkBlock(who: string, block: KvBlock, d: number, dv: number): void {
  checkObject(who, block, 'block')
  checkKeys(who, 'keys', block.keys, d)
  checkValues(who, 'values', block.values, dv, block.keys.rows)
  const { weights } = block
  if (weights === undefined) return
  if (!isFloat32(weights)) throw new TypeError(`${who}: weights must be a Float32Array, got ${show(weights)}`)
  if (weights.length !== block.keys.rows) {
    throw new RangeError(`${who}: weights must have ${block.keys.rows} entries, got ${weights.length}`)
  }
  const at = weights.findIndex((w) => !(w >= LEAST_WEIGHT && w <= LARGEST_WEIGHT))
  if (at >= 0) throw new RangeError(`${who}: weights must be from 2^-100 to 2^53, got ${weights[at]} at row ${at}`)
}

/** Says in words what was given in place of a matrix; for an object with data, the type of that data. */
function showMatrix(value: unknown): string {
  const data: unknown = (value as { readonly data?: unknown } | null | undefined)?.data
  return data === undefined ? show(value) : `data of type ${brandOf(data) ?? typeName(data)}`
}

function typeName(value: unknown): string {
  return typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'object') : typeof value
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null)
    return `an object of type ${value.constructor?.name ?? 'null prototype'}`
  return typeof value === 'function' ? 'a function' : String(value)
}
