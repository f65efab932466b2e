import {
  checkInteger,
  decodeSnapshot,
  encodeSnapshot,
  requireSame,
  restoreSketch,
  type FeatureMap,
  type Sketch,
  type SketchMatrix,
  type SparseRecovery,
  type Tensor,
} from '@sublinear/core'
import { checkPhi, identity, restoreQuerySketch, type QuerySketch } from './query-sketch'
import { rowLedger, type RowLedger } from './row-ledger'
import { squareSums, type SquareSums } from './square-sums'

const KIND = 'one-pass'
const VERSION = '1'

/** The states of Algorithm 1, by its names, and the sums that the control variate and the checks need beside them. */
export interface OnePassState {
  readonly features: FeatureMap
  readonly dv: number
  readonly psi: SketchMatrix
  readonly phi: SparseRecovery | undefined
  readonly controlVariate: boolean
  readonly skU2: Sketch // sk(U₂) = ΨU₂, m₂ × t
  readonly skV: Sketch // sk(V) = ΨV, m₂ × dv; with the control variate Ψ[V 1]
  readonly prodU2: Float64Array // U₂ᵀ1, t
  readonly skD1U1: QuerySketch | undefined // sk(D⁻¹U₁) = ΦD⁻¹U₁, m₁ × t
  readonly sumV: Float64Array // Vᵀ1, dv
  readonly keys: RowLedger
  readonly values: RowLedger
  readonly squares: SquareSums | undefined // where bounds are asked for
}

export function writeOnePass(state: OnePassState): Uint8Array {
  const { dv, features, skU2, skV, skD1U1, prodU2, sumV, keys, values, squares } = state
  return encodeSnapshot({
    kind: KIND,
    version: VERSION,
    parameters: { ...identityOf(state), keys: keys.text, values: values.text },
    tensors: {
      'prod(U2)': { dtype: 'F64', shape: [features.t], data: prodU2 },
      'sum(V)': { dtype: 'F64', shape: [dv], data: sumV },
      'sk(U2)': packed(skU2.toBytes()),
      'sk(V)': packed(skV.toBytes()),
      ...(skD1U1 && { 'sk(D-1U1)': packed(skD1U1.toBytes()) }),
      ...(squares && { squares: { dtype: 'F64' as const, shape: [squares.data.length], data: squares.data } }),
    },
  })
}

function packed(data: Uint8Array): Tensor {
  return { dtype: 'U8', shape: [data.length], data }
}

/** Reads a one-pass state from its snapshot. @throws RangeError when the bytes are damaged or belong to other features, another Ψ or another Φ */
export function readOnePass(
  who: string,
  { features, psi, phi }: Pick<OnePassState, 'features' | 'psi' | 'phi'>,
  bytes: Uint8Array,
): OnePassState {
  if (phi !== undefined) checkPhi(who, phi)
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const dv = Number(parameters['dv'])
  checkInteger(who, 'dv', dv, 1)
  const shape = {
    features,
    dv,
    psi,
    phi,
    controlVariate: parameters['controlVariate'] === 'true',
    squares: parameters['bounds'] === 'true' ? squareSums(Math.max(1, dv)) : undefined,
  }
  const mine = identityOf(shape)
  requireSame(who, mine, Object.fromEntries(Object.keys(mine).map((name) => [name, parameters[name] ?? 'nothing'])))
  const [prodU2, sumV, u2, v, d1u1, squares] = ['prod(U2)', 'sum(V)', 'sk(U2)', 'sk(V)', 'sk(D-1U1)', 'squares'].map(
    (name) => tensors.get(name)?.data,
  )
  const fits =
    prodU2 instanceof Float64Array &&
    sumV instanceof Float64Array &&
    u2 instanceof Uint8Array &&
    v instanceof Uint8Array &&
    prodU2.length === features.t &&
    sumV.length === dv &&
    [...prodU2, ...sumV].every(Number.isFinite) &&
    (phi ? d1u1 instanceof Uint8Array : d1u1 === undefined) &&
    (shape.squares
      ? psi.innerVariance !== undefined &&
        squares instanceof Float64Array &&
        squares.length === 1 + 2 * dv &&
        squares.every((x) => x >= 0 && x < Infinity)
      : squares === undefined)
  if (!fits) throw new RangeError(`${who}: the tensors do not fit the parameters`)
  const skU2 = restoreSketch(psi, u2)
  const skV = restoreSketch(psi, v)
  const widths = skU2.width === features.t && skV.width === widthOfValues(shape)
  if (!widths || skU2.precision !== 'f32' || skV.precision !== 'f32')
    throw new RangeError(`${who}: the sketches do not fit the parameters`)
  return {
    ...shape,
    skU2,
    skV,
    prodU2,
    skD1U1: phi && restoreQuerySketch({ features, phi }, d1u1 as Uint8Array),
    sumV,
    keys: rowLedger(parameters['keys']),
    values: rowLedger(parameters['values']),
    squares: shape.squares && squareSums(dv, (squares as Float64Array).slice()),
  }
}

/** The width of the sketch of V: one more than dv for the column of ones of the control variate. */
export function widthOfValues({ dv, controlVariate }: Pick<OnePassState, 'dv' | 'controlVariate'>): number {
  return controlVariate ? dv + 1 : dv
}

/** Parameters that must be equal for two one-pass states to merge. */
export function identityOf(
  state: Pick<OnePassState, 'features' | 'dv' | 'psi' | 'phi' | 'controlVariate'> & {
    readonly squares?: object | undefined
  },
): Record<string, string> {
  const { features, dv, psi, phi, controlVariate, squares } = state
  return {
    features: features.spec,
    dv: String(dv),
    controlVariate: String(controlVariate),
    ...(squares && { bounds: 'true' }),
    psi: psi.kind,
    'psi.m': String(psi.m),
    'psi.seed': String(psi.seed),
    ...(phi ? identity(features, phi) : { phi: 'none' }),
  }
}

/** Refuses a product of the two sketches unless they saw the same rows. */
export function requireSameRows(who: string, { keys, values }: OnePassState): void {
  if (keys.count !== values.count)
    throw new RangeError(
      `${who}: keys and values must be the same rows, got ${keys.count} keys, ${values.count} values`,
    )
  if (!keys.matches(values))
    throw new RangeError(`${who}: keys and values must be the same rows, got ${keys.count} of each, but not the same`)
}

/** Refuses two states that have queries and did not see the same tokens: once there are queries, only queries can be added. */
export function requireSameTokens(who: string, mine: OnePassState, theirs: OnePassState): void {
  const sketches = (['skU2', 'skV'] as const).every((name) =>
    sameNumbers(mine[name].state.data, theirs[name].state.data),
  )
  const rows = (['keys', 'values'] as const).every((name) => mine[name].text === theirs[name].text)
  if (!rows || !sketches || !sameNumbers(mine.prodU2, theirs.prodU2))
    throw new RangeError(
      `${who}: there are queries and the keys or values differ: merge the shards first, then push queries to copies`,
    )
}

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return Array.prototype.every.call(a, (x, i) => x === b[i])
}
