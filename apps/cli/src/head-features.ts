import type { Head } from '@sublinear/core'
import { InvalidArgumentError, type Command } from 'commander'
import type { LocatedHead } from './head-files'
import { list, positiveNumber } from './options'

/** Options --softcap and --sink. */
export interface FeatureFlags {
  readonly softcap?: number
  readonly sink?: readonly number[]
}

type Features = Pick<Head, 'softcap' | 'sinkLogit'>

const LARGEST = 2 ** 60

/** Options of a command on files whose heads compute something beside plain softmax. */
export function withFeatures(command: Command): Command {
  return command
    .option('--softcap <c>', 'scores s become c * tanh(s / c)', positiveNumber(LARGEST))
    .option(
      '--sink <logits>',
      'a logit without a value in every denominator: one for all query heads, or one for each in their order, as 1.5,-0.2',
      logits,
    )
}

/** Features of one stream among query heads whose sinks stand in a list: of `groups` heads from `first` on, of `all`. @throws RangeError when the list is of another length */
export function featuresOf(
  { softcap, sink }: FeatureFlags,
  { first, groups, all }: { readonly first: number; readonly groups: number; readonly all: number },
): Features {
  if (sink && sink.length !== 1 && sink.length !== all)
    throw new RangeError(`--sink must have one logit, or one for each of the ${all} query heads, got ${sink.length}`)
  const own = sink && (sink.length === 1 ? sink : sink.slice(first, first + groups))
  const sinkLogit = own?.length === 1 ? own[0] : own
  return { ...(softcap !== undefined && { softcap }), ...(sinkLogit !== undefined && { sinkLogit }) }
}

/** The number of a head among all of its array, and how many there are. */
export function placeInArray({ index, lead }: Pick<LocatedHead, 'index' | 'lead'>) {
  const all = lead.reduce((product, count) => product * count, 1)
  return { at: index.reduce((place, i, axis) => place * lead[axis] + i, 0), all }
}

function logits(text: string): number[] {
  return list(text).map((one) => {
    const value = Number(one)
    if (!(Math.abs(value) <= LARGEST)) throw new InvalidArgumentError(`${one} is no number from -2^60 to 2^60.`)
    return value
  })
}
