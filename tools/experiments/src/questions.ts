/** `pnpm --filter @sublinear/experiments run questions`: pictures and pages from the committed results, nothing measured. */
import { autoBoard } from './auto-board.ts'
import { balanceMoments } from './balance-moments.ts'
import { balanceRates } from './balance-rates.ts'
import { balanceSpace } from './balance-space.ts'
import { equalBytes } from './board.ts'
import { columnSparsity } from './column-sparsity.ts'
import { contextLength } from './context-length.ts'
import { decodingTime } from './decoding-time.ts'
import { endToEnd } from './end-to-end.ts'
import { show } from './experiment.ts'
import { figure1 } from './figure-1.ts'
import { fixedMemoryCurve } from './fixed-memory-curve.ts'
import { kinds } from './kinds.ts'
import { lowRank } from './low-rank.ts'
import { onePassSpace } from './one-pass-space.ts'
import { policies } from './policies.ts'
import { scalingToModels } from './scaling.ts'
import { sensitivity } from './sensitivity.ts'
import { sparsityStructure } from './sparsity-structure.ts'
import { regimes } from './regimes.ts'
import { errorBars } from './error-bars.ts'
import { rests } from './rests.ts'
import { selections } from './selections.ts'

show(figure1)
show(contextLength)
show(onePassSpace)
show(scalingToModels)
show(endToEnd)
show(lowRank)
show(sensitivity)
show(columnSparsity)
show(sparsityStructure)
show(regimes)
show(decodingTime)
show(policies)
show(autoBoard)
show(balanceRates)
show(balanceSpace)
show(balanceMoments)
show(equalBytes)
show(errorBars)
show(rests)
show(selections)
show(kinds)
show(fixedMemoryCurve)
