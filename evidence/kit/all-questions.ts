import { advice } from '../advice/ask.ts'
import { anisotropic } from '../anisotropic/ask.ts'
import { autoBoard } from '../auto-board/ask.ts'
import { balanceMoments } from '../balance-moments/ask.ts'
import { balanceRates } from '../balance-rates/ask.ts'
import { balanceSpace } from '../balance-space/ask.ts'
import { equalBytes } from '../board/ask.ts'
import { codebook } from '../codebook/ask.ts'
import { columnSparsity } from '../column-sparsity/ask.ts'
import { contextLength } from '../context-length/ask.ts'
import { decodingTime } from '../decoding-time/ask.ts'
import { endToEnd } from '../end-to-end/ask.ts'
import { endlessReading } from '../endless/ask.ts'
import { entropyCodedTokens } from '../entropy-coded/ask.ts'
import { errorBars } from '../error-bars/ask.ts'
import { everyHead } from '../every-head/ask.ts'
import { figure1 } from '../figure-1/ask.ts'
import { firstTokens } from '../first-tokens/ask.ts'
import { fixedMemory } from '../fixed-memory/ask.ts'
import { fixedMemoryCurve } from '../fixed-memory-curve/ask.ts'
import { forksAndTrials } from '../forks-and-trials/ask.ts'
import { kinds } from '../kinds/ask.ts'
import { longerPilots } from '../longer-pilots/ask.ts'
import { longSums } from '../long-sums/ask.ts'
import { lowRank } from '../low-rank/ask.ts'
import { mapsOfExponential } from '../maps-of-exp/ask.ts'
import { onePassSpace } from '../one-pass-space/ask.ts'
import { planPredictions } from '../plan-predictions/ask.ts'
import { policies } from '../policies/ask.ts'
import { quantisedHeads } from '../quantised-heads/ask.ts'
import { queryMetric } from '../query-metric/ask.ts'
import { randomPrograms } from '../random-programs/ask.ts'
import { readingWithoutEnd } from '../reading-without-end/ask.ts'
import { recoverySize } from '../recovery-size/ask.ts'
import { recoveryTrials } from '../recovery-trials/ask.ts'
import { regimes } from '../regimes/ask.ts'
import { scalingToModels } from '../scaling/ask.ts'
import { selections } from '../selections/ask.ts'
import { sensitivity } from '../sensitivity/ask.ts'
import { smallLm } from '../small-lm/ask.ts'
import { sparsityStructure } from '../sparsity-structure/ask.ts'
import { turnedKeys } from '../turned-keys/ask.ts'
import { rests } from '../what-takes-the-rest/ask.ts'
import { counters } from '../which-counter/ask.ts'
import { wholeModels } from '../whole-models/ask.ts'
import type { Experiment } from './experiment.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- each has a result of its own, which only its own functions read
export type Question = Experiment<any>

/** All questions, under the headings of the index. */
export const groups: Readonly<Record<string, readonly Question[]>> = {
  'Whole models': [wholeModels, readingWithoutEnd, endlessReading, smallLm],
  'Heads of models, in equal bytes': [
    equalBytes,
    kinds,
    policies,
    regimes,
    advice,
    autoBoard,
    selections,
    rests,
    queryMetric,
    longerPilots,
    fixedMemory,
    fixedMemoryCurve,
    quantisedHeads,
    codebook,
    entropyCodedTokens,
    everyHead,
    errorBars,
    sparsityStructure,
  ],
  'The one-pass paper': [
    endToEnd,
    figure1,
    contextLength,
    columnSparsity,
    lowRank,
    sensitivity,
    onePassSpace,
    decodingTime,
    scalingToModels,
    recoveryTrials,
    recoverySize,
  ],
  BalanceKV: [balanceRates, balanceSpace, balanceMoments],
  'Feature maps, plans and counters': [mapsOfExponential, anisotropic, planPredictions, counters],
  'What streams do and cost': [randomPrograms, forksAndTrials, turnedKeys, firstTokens, longSums],
}

export const questions: readonly Question[] = Object.values(groups).flat()
