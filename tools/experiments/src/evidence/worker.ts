/** A child process of `evidence`: takes cells, one at a time, and sends back what they gave. */
import type { Cell } from './cells.ts'
import { recipesOf } from './recipes.ts'
import { runCell } from './run-cell.ts'

process.on('message', (cell: Cell) => {
  process.send!(runCell(cell, recipesOf))
})
