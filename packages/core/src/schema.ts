import { checkSeed } from './check'
import { dataOf } from './held-tensor'
import { decodeSnapshot, type State } from './snapshot'
import { dtypes } from './tensor-types'

type Dtype = keyof ArrayOf
interface ArrayOf {
  readonly F32: Float32Array
  readonly F64: Float64Array
  readonly U8: Uint8Array
  readonly U32: Uint32Array
  readonly U64: BigUint64Array
}

/** Range of a number, or of all entries of a tensor. An end that is absent is −2^53 or 2^53. */
export interface Range {
  readonly whole?: boolean | undefined
  readonly least?: number | undefined
  readonly most?: number | undefined
}
/** Range of all numbers but NaN and the infinities. */
export const FINITE = { least: -1.7976931348623157e308, most: 1.7976931348623157e308 } as const
export const NOT_NEGATIVE = { least: 0, most: 1.7976931348623157e308 } as const
/**
 * Range of sums that a stream keeps. Sums of up to 2^53 tokens are far below it; and a sum as large as this is not changed by one more token, so it stays
 * within.
 */
export const SUM = { least: -1.6069380442589903e60, most: 1.6069380442589903e60 } as const // 2^200
export const TOTAL = { least: 0, most: 1.6069380442589903e60 } as const
/** Range of counts: whole numbers from 0 to 2^53. */
export const COUNT = { whole: true, least: 0 } as const
/** Sizes, and what push takes: keys, values, weights. */
export const SIZE = { whole: true, least: 1 } as const
export const KEYS = { type: 'F32', least: -1125899906842624, most: 1125899906842624 } as const // 2^50
export const VALUES = { type: 'F32', least: -18446744073709551616, most: 18446744073709551616 } as const // 2^64
export const WEIGHTS = {
  type: 'F32',
  least: 7.888609052210118e-31, // 2^-100
  most: 9007199254740992, // 2^53
  optional: true,
} as const

/** A parameter: a number in decimal, with the value that its absence stands for; a seed of 64 bits; or a text that its owner reads. */
export type ParameterField = (Range & { readonly absent?: number | undefined }) | 'seed' | 'text'
export interface TensorField extends Range {
  readonly type: Dtype | readonly Dtype[]
  /** Name of the tensor that has as many entries as this one. */
  readonly like?: string | undefined
  /** Number of entries, in words for which the reader of the schema has a number. */
  readonly size?: string | undefined
  /** Whether the tensor may be absent; it then reads as empty. */
  readonly optional?: true | undefined
}

/** Fields of the snapshots of a kind, or of a part that several kinds share, with their ranges. */
export interface Fields {
  readonly kind?: string | undefined
  readonly version?: string | undefined
  readonly parameters?: Readonly<Record<string, ParameterField>> | undefined
  readonly tensors?: Readonly<Record<string, TensorField>> | undefined
}

type Typed<T> = T extends readonly (infer D)[] ? Typed<D> : T extends Dtype ? ArrayOf[T] : never
type Parameter<P> = P extends 'seed' ? bigint : P extends 'text' ? string : number
/** A snapshot that was read, with the fields of its schema. */
export interface Read<F extends Fields> {
  readonly parameters: { readonly [N in keyof F['parameters']]: Parameter<F['parameters'][N]> }
  readonly tensors: {
    readonly [N in keyof F['tensors']]: F['tensors'][N] extends { readonly type: infer T } ? Typed<T> : never
  }
}
type Sizes = Readonly<Record<string, number>>

/** Schema of the snapshots of a kind, or of a part of them: the fields, and the rules that must hold between them, each a sentence. */
export interface Schema<F extends Fields = Fields> {
  readonly fields: F
  readonly rules: Readonly<Record<string, (read: Read<F>, sizes: Sizes) => boolean>>
}

/** Makes a schema whose rules know the types of its fields. */
export function schema<const F extends Fields>(fields: F, rules: Schema<F>['rules'] = {}): Schema<F> {
  return { fields, rules }
}

/**
 * Reads a snapshot, or a part of one, by its schema, before anything is made of it. A state that was never in bytes counts as sound: it is read, not checked.
 *
 * Cost: one copy of the snapshot's arrays where bytes are given; one pass over the entries, and what the rules take.
 *
 * @param sizes  the numbers that the words for sizes of tensors stand for
 * @throws RangeError when the bytes are damaged, of another kind, or not as the schema says; the message names the field and its range, or the rule
 */
export function readBy<F extends Fields>(
  who: string,
  { fields, rules }: Schema<F>,
  from: Uint8Array | State,
  sizes: Sizes = {},
): Read<F> {
  const state: State = 'tensors' in Object(from) ? (from as State) : decodeSnapshot(from as Uint8Array, fields)
  const parameters: Record<string, number | bigint | string> = {}
  for (const [name, field] of Object.entries(fields.parameters ?? {})) {
    const text = state.parameters[name] ?? ''
    parameters[name] =
      field === 'seed' ? seedOf(who, name, text) : field === 'text' ? text : numberOf(who, name, field, text)
  }
  const tensors: Record<string, ArrayOf[keyof ArrayOf]> = {}
  for (const [name, field] of Object.entries(fields.tensors ?? {})) {
    const { type, like, size, optional } = field
    const tensor = state.tensors.get(name)
    const types = [type].flat()
    const data = tensor ? dataOf(tensor) : optional && new dtypes[types[0]].array(0)
    if (!data || !types.some((one) => data instanceof dtypes[one].array))
      throw new RangeError(`${who}: ${name} must be a tensor of ${types.join(' or ')}`)
    const length = like !== undefined ? tensors[like].length : size !== undefined ? sizes[size] : data.length
    if (data.length !== length && (tensor || !optional))
      throw new RangeError(
        `${who}: ${name} must have ${length} entries, as many as ${like ?? size}, got ${data.length}`,
      )
    const at = state.isSound ? -1 : outside(data as ArrayOf[Dtype], field)
    if (at >= 0) throw new RangeError(`${who}: ${name} must be ${rangeText(field)}, got ${data[at]} at entry ${at}`)
    tensors[name] = data as ArrayOf[Dtype]
  }
  const read = { parameters, tensors } as unknown as Read<F>
  if (!state.isSound)
    for (const [rule, holds] of Object.entries(rules))
      if (!holds(read, sizes)) throw new RangeError(`${who}: the tensors do not fit the parameters: ${rule}`)
  return read
}

/**
 * Writes a schema as Markdown: a table row for each field, then the rules.
 *
 * @param fields, rules  the fields and rules of the schema
 */
export function schemaText({ fields, rules }: Pick<Schema, 'fields'> & { readonly rules: object }): string {
  const rows = [
    ...Object.entries(fields.parameters ?? {}).map(([name, field]) => {
      const range = field === 'seed' ? 'an integer from 0 to 2^64 − 1' : field === 'text' ? 'a text' : rangeText(field)
      const isOptional = typeof field === 'object' && field.absent !== undefined
      return `| \`${name}\` | parameter${isOptional ? ', or absent' : ''} | ${range} |`
    }),
    ...Object.entries(fields.tensors ?? {}).map(([name, field]) => {
      const many = field.like === undefined ? field.size : `as many as \`${field.like}\``
      const size = many === undefined ? '' : `, ${many}`
      return `| \`${name}\` | ${[field.type].flat().join(' or ')}${size}${field.optional ? ', or absent' : ''} | ${rangeText(field)} |`
    }),
  ]
  const said = Object.keys(rules).map((rule) => `- ${rule}`)
  return ['| field | what | range |', '| --- | --- | --- |', ...rows, ...(said.length > 0 ? ['', ...said] : [])].join(
    '\n',
  )
}

function numberOf(
  who: string,
  name: string,
  field: Range & { readonly absent?: number | undefined },
  text: string,
): number {
  if (text === '' && field.absent !== undefined) return field.absent
  const value = text === '' ? NaN : Number(text)
  if (!isInside(value, field))
    throw new RangeError(`${who}: ${name} must be ${rangeText(field)}, got ${text.slice(0, 40)}`)
  return value
}

function seedOf(who: string, name: string, text: string): bigint {
  if (!/^\d{1,20}$/.test(text)) throw new RangeError(`${who}: ${name} must be an integer, got ${text.slice(0, 40)}`)
  return checkSeed(who, BigInt(text))
}

const MOST = 9_007_199_254_740_991

function isInside(x: number, { whole = false, least = -MOST, most = MOST }: Range): boolean {
  return x >= least && x <= most && (!whole || Number.isInteger(x))
}

function outside(data: ArrayOf[keyof ArrayOf], field: Range): number {
  const { whole = false, least = -MOST, most = MOST } = field
  for (let i = 0; i < data.length; i++) {
    const x = Number(data[i])
    if (!(x >= least && x <= most) || (whole && !Number.isInteger(x))) return i
  }
  return -1
}

function rangeText({ whole = false, least = -MOST, most = MOST }: Range): string {
  if (least === -Infinity) return most === Infinity ? 'any number but NaN' : 'a finite number, or -Infinity'
  const noun = whole ? 'an integer' : most === Number.MAX_VALUE ? 'a finite number' : 'a number'
  if (most === Number.MAX_VALUE) return least === -most ? noun : `${noun} >= ${figure(least)}`
  if (most === MOST && least > -MOST) return `${noun} >= ${figure(least)}`
  return `${noun} from ${figure(least)} to ${figure(most)}`
}

/** Writes a number; large powers of two, and numbers one below them, as powers. */
function figure(x: number): string {
  const size = Math.abs(x)
  const sign = x < 0 ? '-' : ''
  if (size < 2 ** 16) return String(x)
  for (const below of [0, 1]) {
    const power = Math.round(Math.log2(size + below))
    if (2 ** power === size + below) return `${sign}2^${power}${below === 0 ? '' : x < 0 ? ' + 1' : ' - 1'}`
  }
  return String(x)
}
