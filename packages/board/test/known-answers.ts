import { emptyPartial } from '@sublinear/core'
import { boardMethod, type Board, type BoardMethodOptions, type BoardStream } from '../src'
import { dv } from './known-head'

export type Make = BoardMethodOptions['make']

/** Methods of functions by name. */
export const methodsOf = (makes: Readonly<Record<string, Make>>, learns?: BoardMethodOptions['learns']) =>
  Object.entries(makes).map(([name, make]) => boardMethod({ name, make, ...(learns && { learns }) }))

/** A contestant whose answer to every query of token t is given: what it is worth can be computed by hand. */
export function answering(answer: (token: number) => readonly number[], extra: Partial<BoardStream> = {}): Make {
  return () => {
    let tokens = 0
    return {
      bytes: 8,
      push: ({ keys }) => void (tokens += keys.rows),
      attend(queries) {
        const out = emptyPartial(queries.rows, dv)
        for (let r = 0; r < queries.rows; r++) {
          out.max[r] = 0
          out.mass[r] = 1
          out.sum.data.set(answer(tokens - 1), r * dv)
        }
        return out
      },
      ...extra,
    }
  }
}

/** The one cell of a board of one head, one budget and one method. */
export const only = (board: Board) => board.heads[0].budgets[0].cells[0]
