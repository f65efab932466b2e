/** `node evidence/kit/draw-all.ts`: pictures and pages from the committed results, nothing measured. */
import { autoBoard } from '../auto-board/ask.ts'
import { balanceMoments } from '../balance-moments/ask.ts'
import { balanceRates } from '../balance-rates/ask.ts'
import { balanceSpace } from '../balance-space/ask.ts'
import { equalBytes } from '../board/ask.ts'
import { columnSparsity } from '../column-sparsity/ask.ts'
import { contextLength } from '../context-length/ask.ts'
import { decodingTime } from '../decoding-time/ask.ts'
import { endToEnd } from '../end-to-end/ask.ts'
import { show } from './experiment.ts'
import { updateTables } from './tables.ts'
import { figure1 } from '../figure-1/ask.ts'
import { fixedMemoryCurve } from '../fixed-memory-curve/ask.ts'
import { lowRank } from '../low-rank/ask.ts'
import { onePassSpace } from '../one-pass-space/ask.ts'
import { policies } from '../policies/ask.ts'
import { scalingToModels } from '../scaling/ask.ts'
import { sensitivity } from '../sensitivity/ask.ts'
import { sparsityStructure } from '../sparsity-structure/ask.ts'
import { regimes } from '../regimes/ask.ts'
import { errorBars } from '../error-bars/ask.ts'
import { rests } from '../what-takes-the-rest/ask.ts'
import { selections } from '../selections/ask.ts'

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
show(fixedMemoryCurve)
updateTables()
