import { checkSeed } from './check'
import { decodeSnapshot } from './snapshot'

/** Arrays by the name of their type. */
const ARRAYS = { F32: Float32Array, F64: Float64Array, U8: Uint8Array, U32: Uint32Array, U64: BigUint64Array } as const
interface ArrayOf {
  readonly F32: Float32Array
  readonly F64: Float64Array
  readonly U8: Uint8Array
  readonly U32: Uint32Array
  readonly U64: BigUint64Array
}

/** Range of a number, or of all entries of a tensor; −2^53 … 2^53 where an end is absent. */
export interface Range {
  readonly whole?: boolean | undefined
  readonly least?: number | undefined
  readonly most?: number | undefined
}
/** A parameter: a number in decimal, or a seed of 64 bits. */
export type ParameterField = Range | 'seed'
export interface TensorField extends Range {
  readonly type: keyof ArrayOf
  /** The tensor that has as many entries. */
  readonly like?: string | undefined
  /** Whether it may be absent; it then reads as empty. */
  readonly optional?: true | undefined
}

/** Fields of the snapshots of a kind, with their ranges. */
export interface Fields {
  readonly kind: string
  readonly version: string
  readonly parameters: Readonly<Record<string, ParameterField>>
  readonly tensors: Readonly<Record<string, TensorField>>
}

/** A snapshot that its fields allow. */
export interface Read<F extends Fields> {
  readonly parameters: { readonly [N in keyof F['parameters']]: F['parameters'][N] extends 'seed' ? bigint : number }
  readonly tensors: { readonly [N in keyof F['tensors']]: ArrayOf[F['tensors'][N]['type']] }
}

/** The snapshots of a kind: its fields, and what must hold between them, in sentences. */
export interface Schema<F extends Fields = Fields> {
  readonly fields: F
  readonly rules: Readonly<Record<string, (read: Read<F>) => boolean>>
}

/** A schema whose rules know the types of its fields. */
export function schema<const F extends Fields>(fields: F, rules: Schema<F>['rules'] = {}): Schema<F> {
  return { fields, rules }
}

/**
 * Reads a snapshot by its schema, before anything is made of it.
 *
 * Cost: the snapshot's own arrays, copied once; one look at each entry, and the rules'.
 *
 * @throws RangeError, with the field and its range or the rule, when the bytes are damaged, of another kind, or not what the schema says
 */
export function readBy<F extends Fields>(who: string, { fields, rules }: Schema<F>, bytes: Uint8Array): Read<F> {
  const { kind, version } = fields
  const snapshot = decodeSnapshot(bytes, { kind, version })
  const parameters: Record<string, number | bigint> = {}
  for (const [name, field] of Object.entries(fields.parameters)) {
    const text = snapshot.parameters[name] ?? ''
    parameters[name] = field === 'seed' ? seedOf(who, name, text) : numberOf(who, name, field, text)
  }
  const tensors: Record<string, ArrayOf[keyof ArrayOf]> = {}
  for (const [name, field] of Object.entries(fields.tensors)) {
    const data = snapshot.tensors.get(name)?.data ?? (field.optional ? new ARRAYS[field.type](0) : undefined)
    if (!(data instanceof ARRAYS[field.type])) throw new RangeError(`${who}: ${name} must be a tensor of ${field.type}`)
    const length = field.like === undefined ? data.length : tensors[field.like].length
    if (data.length !== length)
      throw new RangeError(`${who}: ${name} must have as many entries as ${field.like}, ${length}, got ${data.length}`)
    const at = outside(data, field)
    if (at >= 0) throw new RangeError(`${who}: ${name} must be ${rangeText(field)}, got ${data[at]} at entry ${at}`)
    tensors[name] = data
  }
  const read = { parameters, tensors } as unknown as Read<F>
  for (const [rule, holds] of Object.entries(rules))
    if (!holds(read)) throw new RangeError(`${who}: the tensors do not fit the parameters: ${rule}`)
  return read
}

/**
 * A schema as a person reads it: a row for each field, and the rules.
 *
 * @param fields, rules  those of the schema
 */
export function schemaText({ fields, rules }: Pick<Schema, 'fields'> & { readonly rules: object }): string {
  const rows = [
    ...Object.entries(fields.parameters).map(
      ([name, field]) =>
        `| \`${name}\` | parameter | ${field === 'seed' ? 'an integer from 0 to 2^64 − 1' : rangeText(field)} |`,
    ),
    ...Object.entries(fields.tensors).map(([name, field]) => {
      const size = field.like === undefined ? '' : `, as many as \`${field.like}\``
      return `| \`${name}\` | ${field.type}${size}${field.optional ? ', or absent' : ''} | ${rangeText(field)} |`
    }),
  ]
  return [
    '| field | what | range |',
    '| --- | --- | --- |',
    ...rows,
    '',
    ...Object.keys(rules).map((rule) => `- ${rule}`),
  ].join('\n')
}

function numberOf(who: string, name: string, field: Range, text: string): number {
  const value = text === '' ? NaN : Number(text)
  if (!isInside(value, field))
    throw new RangeError(`${who}: ${name} must be ${rangeText(field)}, got ${text.slice(0, 40)}`)
  return value
}

function seedOf(who: string, name: string, text: string): bigint {
  if (!/^\d{1,20}$/.test(text)) throw new RangeError(`${who}: ${name} must be an integer, got ${text.slice(0, 40)}`)
  return checkSeed(who, BigInt(text))
}

const MOST = Number.MAX_SAFE_INTEGER

function isInside(x: number, { whole = false, least = -MOST, most = MOST }: Range): boolean {
  return x >= least && x <= most && (!whole || Number.isInteger(x))
}

function outside(data: ArrayOf[keyof ArrayOf], field: Range): number {
  for (let i = 0; i < data.length; i++) if (!isInside(Number(data[i]), field)) return i
  return -1
}

function rangeText({ whole = false, least = -MOST, most = MOST }: Range): string {
  const noun = whole ? 'an integer' : 'a number'
  if (most === MOST && least > -MOST) return `${noun} >= ${figure(least)}`
  return `${noun} from ${figure(least)} to ${figure(most)}`
}

/** Large powers of two, and what lies one below, as powers. */
function figure(x: number): string {
  const size = Math.abs(x)
  const sign = x < 0 ? '-' : ''
  if (size < 2 ** 16) return String(x)
  for (const [power, rest] of [
    [Math.log2(size), ''],
    [Math.log2(size + 1), ' - 1'],
  ] as const)
    if (Number.isInteger(power)) return `${sign}2^${power}${rest}`
  return String(x)
}
