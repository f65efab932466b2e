import { autoStream } from '@sublinear/attention'
import { boardMethod } from '@sublinear/board'
import type { Method } from '@sublinear/core'
import { LENGTHS, MODELS, type Cell } from './cells.ts'

/** A stream that nobody gave a recipe: it chooses a stack by its own first tokens and their queries. */
export const learningMethod = boardMethod({
  name: 'firstTokens',
  learns: 'queries',
  make: (shape, budgetBytes, tokens) => autoStream({ ...shape, budgetBytes, tokens, learn: true }),
}) as Method

/** Inverse shares in which not all tokens have room in the finest bits, so that there is something to choose. */
export const LEARNING_SHARES = [8, 16]

/** Cells of both models at both lengths. */
export const learningCells = (): Cell[] =>
  LEARNING_SHARES.flatMap((share) =>
    LENGTHS.flatMap((tokens) =>
      MODELS.map((model) => ({
        model,
        method: learningMethod.name,
        share,
        tokens,
        asks: tokens === LENGTHS.at(-1) ? ('both' as const) : ('needles' as const),
      })),
    ),
  )
