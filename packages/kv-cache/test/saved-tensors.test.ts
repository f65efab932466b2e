// Snapshots of policies whose tensors break one rule of their schemas: each is refused with a RangeError in the policy's name, and the nearest that breaks none is taken.
// Kills: a rule that nobody looks at or that always holds, a size that is not compared, a range that is one step wider or narrower than what is written, a sum of another number of tokens.
import { decodeSnapshot, encodeSnapshot, type Method, type Tensor } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { quantised } from '@sublinear/token-store'
import { describe, expect, test } from 'vitest'
import {
  clustersMethod,
  farKeysMethod,
  h2oMethod,
  misfitMethod,
  observedAttentionMethod,
  reservoirMethod,
  sinksMethod,
  snapKvMethod,
  tovaMethod,
  windowMethod,
} from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
const GROUPS = 2
const block = (rows: number, weighted = false) => ({
  keys: random(rows, 3, 1),
  values: random(rows, 2, 2),
  ...(weighted && { weights: Float32Array.from({ length: rows }, (_, i) => 1 + (i % 3)) }),
})
function nothing(): never {
  throw new Error('there are no streams in it')
}

type Change = (data: Float64Array, tensor: Tensor) => Tensor | undefined
/** Another entry, at a place. */
const entry =
  (value: number, at = 0): Change =>
  (data, tensor) => {
    data[at] = value
    return { ...tensor, data }
  }
/** Removes the last rows. */
const less =
  (rows = 1): Change =>
  (data, tensor) => {
    const size = tensor.shape.slice(1).reduce((a, b) => a * b, 1)
    return { ...tensor, shape: [tensor.shape[0] - rows, ...tensor.shape.slice(1)], data: data.slice(0, data.length - rows * size) } // prettier-ignore
  }
const more: Change = (data, tensor) => {
  const size = tensor.shape.slice(1).reduce((a, b) => a * b, 1)
  const longer = new (data.constructor as Float64ArrayConstructor)(data.length + size)
  longer.set(data)
  return { ...tensor, shape: [tensor.shape[0] + 1, ...tensor.shape.slice(1)], data: longer }
}
const gone: Change = () => undefined

interface Case {
  readonly tensors?: Readonly<Record<string, Change>>
  readonly parameters?: Readonly<Record<string, string>>
}
const t = (name: string, ...changes: readonly Change[]): Case[] => changes.map((change) => ({ tensors: { [name]: change } })) // prettier-ignore

const [TOO_FAR, TOO_LARGE] = [2 ** 50 * 1.001, 2 ** 64 * 1.001]
const held = [...t('keys', entry(NaN), entry(TOO_FAR), entry(-TOO_FAR), less(), more, gone), ...t('values', entry(Infinity), entry(TOO_LARGE, 1), entry(-TOO_LARGE), less(), more, gone)] // prettier-ignore
const order = t('order', entry(1), entry(20), entry(2 ** 32 - 1), less(), more, gone)
const sums = (name: string) => t(name, entry(-1), entry(NaN), entry(Infinity))
const coded = quantised({ keyBits: 5, valueBits: 4 })

const CASES: readonly (readonly [string, Method<any>, object, readonly Case[], readonly Case[]])[] = [
  ['window', windowMethod, { count: 20 }, held, t('keys', entry(2 ** 50), entry(-(2 ** 50)))],
  ['sinks', sinksMethod, { count: 20 }, held, t('values', entry(2 ** 64), entry(-(2 ** 64)))],
  ['h2o', h2oMethod, { count: 20 }, [...held, ...order, ...sums('received'), ...t('received', entry(2 ** 200 * 1.1), less(), more, gone), ...sums('waited/received')], t('received', entry(0), entry(2 ** 200))],
  ['observedAttention', observedAttentionMethod, { count: 20 }, [...order, ...sums('received'), ...sums('watched'), ...t('watched', less(), more), ...t('waited/watched', less(), more), ...sums('waited/watched')], t('watched', entry(0))],
  ['tova', tovaMethod, { count: 20 }, [...order, ...t('maxima', entry(NaN), entry(Infinity), less()), ...t('masses', entry(-1), entry(NaN), entry(2 ** -1001), less(), more), ...t('queries', entry(NaN), entry(Infinity), less(), more), { parameters: { groups: '3' } }, { parameters: { groups: '1' } }, { parameters: { groups: '0' } }], [...t('masses', entry(0), entry(2 ** -1000)), ...t('maxima', entry(-Infinity))]],
  ['snapKv', snapKvMethod, { count: 20 }, [...order, { tensors: { maxima: less(), masses: less(), queries: less() } }, { tensors: { maxima: more, masses: more, queries: more } }, { tensors: { maxima: less(), masses: less() } }, { parameters: { groups: '1' } }], [{ tensors: { maxima: less(2), masses: less(2), queries: less(2) } }, { tensors: { maxima: less(20), masses: less(20), queries: less(20) } }]],
  ['misfit', misfitMethod, { count: 20 }, [...order, ...t('gone', entry(NaN), entry(Infinity), less(), more, gone), ...['-1', 'NaN', '', 'x'].map((text) => ({ parameters: { gone: text } }))], t('gone', entry(-3), entry(1e9))],
  ['reservoir', reservoirMethod, { count: 20, seed: 1 }, [...t('own', entry(-1), entry(NaN), entry(1e-3), entry(1e30), less(), more, gone), { parameters: { threshold: '0' } }], t('own', entry(1e6))],
  ['reservoir', reservoirMethod, { count: 400, seed: 1 }, [{ parameters: { threshold: '1' } }, ...t('own', entry(0), entry(1e30))], t('own', entry(7))],
  ['clusters', clustersMethod, { count: 20 }, [...t('counts', entry(-1), entry(NaN), entry(3.5), less(), more, gone), ...t('weights', entry(-1), entry(2.5), less()), ...['-1', 'NaN', 'x', ''].map((text) => ({ parameters: { radius: text } }))], [{ parameters: { radius: '0' } }, { parameters: { radius: '1e9' } }]],
  ['clusters', clustersMethod, { count: 20, store: coded }, ['-1', 'NaN', 'x', ''].map((text) => ({ parameters: { radius: text } })).concat(['NaN', 'Infinity', 'x', ''].map((text) => ({ parameters: { carry: text } })) as never), [{ parameters: { carry: '-0.5' } }]],
  ['farKeys', farKeysMethod, { count: 20, halvedAfter: 50 }, [...held, ...t('sum', entry(NaN), entry(Infinity), less(), more, gone), ...t('centre', entry(NaN), less(), more, gone), ...t('places', less(), more, gone)], t('places', entry(2 ** 32 - 1))],
] // prettier-ignore

describe.each(CASES)('a snapshot of %s', (name, method, options, broken, taken) => {
  const stream = method.make(shape, options)
  stream.step(block(150, name === 'clusters' || name === 'reservoir'), random(150 * GROUPS, 3, 3))
  const changed = ({ tensors = {}, parameters = {} }: Case) => {
    const from = decodeSnapshot(stream.toBytes())
    for (const own of Object.keys(tensors)) expect([...from.tensors.keys()]).toContain(own)
    for (const own of Object.keys(parameters)) expect(Object.keys(from.parameters)).toContain(own)
    const all = [...from.tensors].flatMap(([own, tensor]) => {
      const other = Object.hasOwn(tensors, own) ? tensors[own](tensor.data.slice() as Float64Array, tensor) : tensor
      return other ? [[own, other] as const] : []
    })
    return encodeSnapshot({ ...from, parameters: { ...from.parameters, ...parameters }, tensors: Object.fromEntries(all) }) // prettier-ignore
  }

  test.each(broken.map((one, i) => [i, one] as const))('broken by rule %i is refused', (_, one) => {
    let found: unknown
    try {
      method.open(changed(one), nothing)
    } catch (error) {
      found = error
    }
    expect(found).toBeInstanceOf(RangeError)
    expect((found as Error).message).toMatch(new RegExp(`^${name}: `))
  })
  test.each(taken.map((one, i) => [i, one] as const))('with something else, %i, is taken', (_, one) => {
    const back = method.open(changed(one), nothing)
    back.step(block(70), random(70 * GROUPS, 3, 4))
    expect(back.tokens).toBe(220)
  })
})
