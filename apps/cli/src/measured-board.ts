import { compare, type Board, type BoardHead, type BoardProgress, type CompareOptions } from '@sublinear/board'
import { progressBar } from './progress'

/** Milliseconds of work between two turns of the event loop. */
const PAUSE = 50

interface MeasuredBoard extends Omit<CompareOptions, 'heads' | 'now' | 'onProgress'> {
  /** Readers of the heads; only one head is in memory at a time. */
  readonly heads: readonly (() => Promise<BoardHead>)[]
  readonly quiet: boolean
}

/** Makes a board with times, under a progress bar: heads one after another; each stream is run once without timing, since first calls compile. */
export async function measuredBoard({ heads, quiet, ...options }: MeasuredBoard): Promise<Board> {
  const cells = options.budgets.length * options.methods.length
  const bar = progressBar('comparing', cells * heads.length, quiet, 'runs')
  const boards: Board[] = []
  try {
    for (const [h, load] of heads.entries()) {
      const head = await load()
      if (h === 0) await warmUp(head, options)
      const onProgress = ({ done }: BoardProgress) => {
        bar.update(h * cells + done)
        return turn() // lets the bar draw
      }
      boards.push(await compare({ ...options, heads: [head], now: cpuTime, onProgress, onCall: pauses() }))
    }
  } finally {
    bar.stop()
  }
  return { ...boards[0], heads: boards.flatMap((board) => board.heads) }
}

/** Waits one turn of the event loop, in which signals arrive. */
const turn = () => new Promise<void>(setImmediate)

/** Makes a function that waits a turn of the event loop where the last one was a while ago. */
function pauses(): () => void | Promise<void> {
  let last = performance.now()
  return () => {
    if (performance.now() - last < PAUSE) return
    last = performance.now()
    return turn()
  }
}

/** The user and system time of this process, in milliseconds. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function warmUp(head: BoardHead, options: Omit<MeasuredBoard, 'heads' | 'quiet'>): Promise<void> {
  const prefix = Math.min(options.prefix, 256)
  await compare({ ...options, onCall: pauses(), heads: [head], prefix, queries: Math.min(64, options.queries ?? 64) })
}
