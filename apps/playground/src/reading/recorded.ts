import { useEffect, useState } from 'preact/hooks'
import type { MethodName } from './method-names'
import type { Progress } from './reading-worker'
import type { Answers } from './use-reading'

/** The reading of the first page, recorded: what it shows until the model is there. */
export interface Recorded {
  readonly total: number
  readonly names: readonly MethodName[]
  /** After each block: tokens, letters, bytes of the exact cache, bytes of every lane. */
  readonly steps: readonly (readonly number[])[]
  /** Answers at the end of the text. */
  readonly answers: readonly Answers[]
}

/** Milliseconds that a recorded block is shown. */
const STEP = 60

/** Plays what was recorded while `isWanted`, a block at a time; its times are not those of this machine, and are left out. */
export function useRecorded(isWanted: boolean) {
  const [recorded, setRecorded] = useState<Recorded>()
  const [at, setAt] = useState(0)
  useEffect(() => {
    if (!isWanted) return
    let timer: ReturnType<typeof setInterval> | undefined
    let isOver = false
    void import('./recorded.json').then(({ default: found }) => {
      if (isOver) return
      const all = found as unknown as Recorded
      setRecorded(all)
      timer = setInterval(() => setAt((before) => Math.min(all.steps.length, before + 1)), STEP)
    })
    return () => {
      isOver = true
      clearInterval(timer)
    }
  }, [isWanted])
  if (!isWanted || !recorded || at === 0) return undefined
  return {
    progress: progressOf(recorded, at - 1),
    answers: at === recorded.steps.length ? recorded.answers[0] : undefined,
  }
}

export function progressOf({ total, names, steps }: Recorded, index: number): Progress {
  const [tokens, letters, cacheBytes, ...bytes] = steps[index]
  return { tokens, total, letters, cacheBytes, lanes: names.map((name, i) => ({ name, bytes: bytes[i] })) }
}
