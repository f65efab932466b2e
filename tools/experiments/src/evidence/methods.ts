import {
  balanceKv,
  clusters,
  modelStreams,
  mostThatFits,
  quantised,
  reservoir,
  sinks,
  tiers,
  window,
  type ModelBudget,
  type ModelStream,
  type Shape,
  type StreamSpec,
  type TierSpec,
} from '@sublinear/attention'
import { droppingMethods } from './dropping.ts'

/** The second paper keeps the first and the last tokens beside a coreset or a sample; so it is here. */
const ENDS: readonly TierSpec[] = [sinks({ count: 4 }), window({ count: 32 })]
/** Tokens without which balanceKv does not begin. */
const LEAST_CORESET = 32
/** Tokens that wait for their codes: fewer, since each takes the room of many that are coded. */
const QUANTISED_BUFFER = 16

/** Streams by name, each as large as the budget lets it be: those of `modelStreams`, but for the ends, and for what quantised lets wait. */
export const methods: Readonly<Record<string, ModelStream>> = {
  ...modelStreams,
  uniform: besideEnds((count, seed) => reservoir({ count, seed })),
  clusters: besideEnds((count) => clusters({ count })),
  balanceKv: besideEnds(
    (count, seed) => (shape) => balanceKv({ ...shape, seed, budget: (LEAST_CORESET + count) * tokenBytes(shape) }),
  ),
  quantised: inFewBits,
  ...droppingMethods,
}

export const tokenBytes = ({ d, dv }: Pick<Shape, 'd' | 'dv'>) => 4 * (d + dv)

/** Sinks, a window, and something as large as fits; heads differ in their seeds. */
function besideEnds(rest: (count: number, seed: number) => StreamSpec): ModelStream {
  return (model) => {
    const { heads, budgetBytes, tokens } = model
    const shape = shapeOf(model)
    const buffer = Math.max(1, Math.min(64, Math.floor(budgetBytes / (8 * tokenBytes(shape)))))
    const make = (count: number, seed: number) =>
      tiers({ ...shape, parts: [...ENDS, rest(count, seed)] as [...TierSpec[], StreamSpec], buffer })
    const count = mostThatFits({ make: (size) => make(size, 0), shape, budgetBytes, tokens, block: buffer })
    return count === 0 ? undefined : (layer, head) => make(count, layer * heads + head)
  }
}

/** Every token, in as many bits as fit, keys up to two more than values. */
function inFewBits(model: ModelBudget): ReturnType<ModelStream> {
  const { budgetBytes, tokens } = model
  const shape = shapeOf(model)
  const make = (keyBits: number, valueBits: number) =>
    tiers({
      ...shape,
      parts: [window({ count: tokens, store: quantised({ keyBits, valueBits }) })],
      buffer: QUANTISED_BUFFER,
    })
  for (let sum = 16; sum >= 4; sum--)
    for (const ahead of [2, 1, 0]) {
      const [keyBits, valueBits] = [(sum + ahead) / 2, (sum - ahead) / 2]
      if (!Number.isInteger(keyBits) || keyBits > 8 || valueBits < 2) continue
      if (mostThatFits({ make: () => make(keyBits, valueBits), shape, budgetBytes, tokens, most: 1 }) === 1)
        return () => make(keyBits, valueBits)
    }
  return undefined
}

const shapeOf = ({ d, dv, scale }: Shape): Shape => ({ d, dv, scale })
