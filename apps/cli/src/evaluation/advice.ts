import type { ModelAdvice } from '@sublinear/small-lm'
import { ADVISED, adviceKey, readAdvice, writeAdvice } from './advice-file'
import type { EvaluationFlags } from './options'
import { adviseAll, type Running } from './run-all'
import type { Cell } from './task'
import { otherText } from './texts'

/**
 * Finds advice for the cells that need it: in the file of --advice as far as that has it, else by `plan`, which adds it to the file cell by cell.
 *
 * @throws Error as readAdvice does, or where the file was made from another text than new advice would be, and lacks a cell
 */
export async function adviceFor(
  cells: readonly Cell[],
  { text, advice: path }: Pick<EvaluationFlags, 'text' | 'advice'>,
  running: Running,
): Promise<Readonly<Record<string, ModelAdvice>>> {
  const wanted = cells.filter(({ method }) => method === ADVISED)
  if (path === undefined || wanted.length === 0) return {}
  const from = otherText(text)
  const file = readAdvice(path, text, wanted)
  const advice: Record<string, ModelAdvice> = { ...file?.advice }
  const missing = wanted.filter((cell) => !Object.hasOwn(advice, adviceKey(cell)))
  if (file && file.text !== from && missing.length > 0)
    throw new RangeError(`--advice ${path}: was made from ${file.text}, and has none for ${adviceKey(missing[0])}`)
  let written = Promise.resolve() // writes come one after another, and the last one has all advice
  const take = (cell: Cell, own: ModelAdvice) => {
    advice[adviceKey(cell)] = own
    return (written = written.then(() => writeAdvice(path, { text: from, advice })))
  }
  await adviseAll(
    missing.map((cell) => ({ cell, text: from })),
    take,
    running,
  )
  return advice
}
