import { fork } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nameOf, type Cell } from './cells.ts'
import type { CellResult } from './run-cell.ts'

const cache = fileURLToPath(new URL('../../cache/evidence/', import.meta.url))
const worker = fileURLToPath(new URL('worker.ts', import.meta.url))
const fileOf = (cell: Cell) => `${cache}${nameOf(cell)}.json`

/** Cells that an earlier run finished. */
export function finished(cells: readonly Cell[]): CellResult[] {
  return cells.filter((cell) => existsSync(fileOf(cell))).map((cell) => JSON.parse(readFileSync(fileOf(cell), 'utf8')))
}

/** Runs the cells that no earlier run has finished, in so many processes; each is kept as it ends, so a run may be killed and go on. */
export async function runCells(
  cells: readonly Cell[],
  processes: number,
  onProgress: (done: number, of: number, last: string) => void,
): Promise<CellResult[]> {
  mkdirSync(cache, { recursive: true })
  const waiting = cells.filter((cell) => !existsSync(fileOf(cell)))
  const all = waiting.length
  let done = 0
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const child = fork(worker)
      const next = () => {
        let cell = waiting.shift()
        while (cell && existsSync(fileOf(cell))) cell = waiting.shift() // by another run beside this one
        if (cell) child.send(cell)
        else child.disconnect()
      }
      child.on('message', (result: CellResult) => {
        const file = fileOf(result)
        writeFileSync(`${file}.part`, JSON.stringify(result))
        renameSync(`${file}.part`, file)
        onProgress(++done, all, nameOf(result))
        next()
      })
      child.on('error', reject)
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`evidence: a process ended with ${code}`))))
      next()
    })
  await Promise.all(Array.from({ length: Math.min(processes, all) }, work))
  return finished(cells)
}
