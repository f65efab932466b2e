import { plan, type Plan } from '@sublinear/adviser'
import { catalogue, createStream, exactStream, normalise } from '@sublinear/attention'
import { source, type Configuration } from './configurations.ts'

const PILOT = 512
const QUERIES = 4096
const BLOCK = 4096

export interface Measured {
  readonly plan: Plan
  /** ‖answers − exact‖/‖exact‖ over queries that come after the stream. */
  readonly error: number
  /** The same for the mean of the values. */
  readonly average: number
}

/** Plans from a pilot by formulas, runs the stream that was planned over n other tokens, and compares it with exact attention. */
export async function measured(configuration: Configuration): Promise<Measured> {
  const { n, d, dv, epsilon } = configuration
  const { scale, ...pilot } = source(configuration, 1)
  const made = await plan({
    methods: catalogue,
    tokens: n,
    d,
    dv,
    scale,
    epsilon,
    task: 'rows',
    pilot: { ...pilot.tokens(0, PILOT), queries: pilot.queries(PILOT + 1) }, // not one a token, so that formulas alone answer
  })
  const shape = { d, dv, scale }
  const stream = createStream(made)
  const truth = source(configuration, 0)
  const queries = truth.queries(QUERIES)
  const exact = new Float64Array(QUERIES * dv)
  const mass = new Float64Array(QUERIES)
  const top = new Float64Array(QUERIES).fill(-Infinity)
  const mean = new Float64Array(dv)
  for (let first = 0; first < n; first += BLOCK) {
    const block = truth.tokens(first, Math.min(BLOCK, n - first))
    stream.push(block)
    const part = exactStream(shape)
    part.push(block)
    const answer = part.attend(queries)
    part[Symbol.dispose]()
    for (let r = 0; r < QUERIES; r++) {
      const most = Math.max(top[r], answer.max[r])
      const [old, own] = [Math.exp(top[r] - most), Math.exp(answer.max[r] - most)]
      mass[r] = mass[r] * old + answer.mass[r] * own
      for (let c = 0; c < dv; c++) exact[r * dv + c] = exact[r * dv + c] * old + answer.sum.data[r * dv + c] * own
      top[r] = most
    }
    for (let i = 0; i < block.values.data.length; i++) mean[i % dv] += block.values.data[i] / n
  }
  const answers = normalise(stream.attend(queries)).data
  stream[Symbol.dispose]?.()
  let [off, far, norm] = [0, 0, 0]
  for (let i = 0; i < exact.length; i++) {
    const truth = exact[i] / mass[Math.floor(i / dv)]
    off += (answers[i] - truth) ** 2
    far += (mean[i % dv] - truth) ** 2
    norm += truth ** 2
  }
  return { plan: made, error: Math.sqrt(off / norm), average: Math.sqrt(far / norm) }
}
