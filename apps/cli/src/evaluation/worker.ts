import { adviseCell } from './advise-cell'
import { taskRunner } from './run-task'

/** The function that a thread of the pool runs. */
export const read = taskRunner()
export const advise = adviseCell
