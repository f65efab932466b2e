import {
  COUNT,
  decodeSnapshot,
  encodeSnapshot,
  FINITE,
  NOT_NEGATIVE,
  readBy,
  requireSame,
  restoreSketch,
  schema,
  SIZE,
  type FeatureMap,
  type Sketch,
  type SketchMatrix,
  type SparseRecovery,
  type Tensor,
} from '@sublinear/core'
import { checkPhi, identity, PHI, restoreQuerySketch, type QuerySketch } from './query-sketch'
import { isLedger, rowLedger, type RowLedger } from './row-ledger'
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

/** Snapshots of one-pass states; the parts named sk(…) are snapshots of their own. */
export const onePassSchema = schema(
  {
    kind: KIND,
    version: VERSION,
    parameters: {
      features: 'text',
      dv: SIZE,
      controlVariate: 'text',
      bounds: 'text',
      psi: 'text',
      'psi.m': SIZE,
      'psi.seed': 'seed',
      ...PHI,
      keys: 'text',
      values: 'text',
    },
    tensors: {
      'prod(U2)': { type: 'F64', size: 't', ...FINITE },
      'sum(V)': { type: 'F64', size: 'dv', ...FINITE },
      'sk(U2)': { type: 'U8', ...COUNT },
      'sk(V)': { type: 'U8', ...COUNT },
      'sk(D-1U1)': { type: 'U8', optional: true, ...COUNT },
      squares: { type: 'F64', optional: true, ...NOT_NEGATIVE },
    },
  },
  {
    '`controlVariate` is `true` or `false`.': ({ parameters: { controlVariate } }) =>
      controlVariate === 'true' || controlVariate === 'false',
    '`keys` and `values` are ledgers of rows: how many, one past the highest, the sum of their indices, and that of the squares.':
      ({ parameters: { keys, values } }) => isLedger(keys) && isLedger(values),
    'There is a `sk(D-1U1)` where there is a Φ: where `phi` is not `none`.': ({
      parameters: { phi },
      tensors: { 'sk(D-1U1)': sketched },
    }) => (phi === 'none') === (sketched.length === 0),
    '`bounds` is `true`, and there are 1 + 2 · dv `squares`; or it is absent, and so are they.': ({
      parameters: { bounds, dv },
      tensors: { squares },
    }) => (bounds === 'true' ? squares.length === 1 + 2 * dv : bounds === '' && squares.length === 0),
  },
)

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
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const said = snapshot.parameters
  const given = { features, psi, phi }
  const hasBounds = said['bounds'] === 'true'
  const mine = identityOf({
    ...given,
    dv: Number(said['dv']),
    controlVariate: said['controlVariate'] === 'true',
    ...(hasBounds && { squares: {} }),
  })
  requireSame(who, mine, Object.fromEntries(Object.keys(mine).map((name) => [name, said[name] ?? 'nothing'])))
  const { parameters, tensors } = readBy(who, onePassSchema, snapshot, { t: features.t, dv: Number(said['dv']) })
  const { dv } = parameters
  const shape = { ...given, dv, controlVariate: parameters.controlVariate === 'true' }
  const { 'prod(U2)': prodU2, 'sum(V)': sumV, 'sk(D-1U1)': d1u1, squares } = tensors
  if (hasBounds && psi.innerVariance === undefined)
    throw new RangeError(`${who}: Ψ has no bound, so the state has none`)
  const skU2 = restoreSketch(psi, tensors['sk(U2)'])
  const skV = restoreSketch(psi, tensors['sk(V)'])
  const widths = skU2.width === features.t && skV.width === widthOfValues(shape)
  if (!widths || skU2.precision !== 'f32' || skV.precision !== 'f32')
    throw new RangeError(`${who}: the sketches do not fit the parameters`)
  return {
    ...shape,
    skU2,
    skV,
    prodU2,
    skD1U1: phi && restoreQuerySketch({ features, phi }, d1u1),
    sumV,
    keys: rowLedger(parameters.keys),
    values: rowLedger(parameters.values),
    squares: hasBounds ? squareSums(dv, squares.slice()) : undefined,
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
