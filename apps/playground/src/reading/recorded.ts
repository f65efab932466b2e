import { useEffect, useState } from 'preact/hooks'
import type { MethodName } from './method-names'
import type { Progress } from './reading-worker'
import type { Answers } from './use-reading'

/** The recorded reading of the first page, which is shown until the model is there. */
export interface Recorded {
  readonly total: number
  readonly names: readonly MethodName[]
  /** Numbers after each block: tokens, letters, bytes of the exact cache, bytes of every lane. */
  readonly steps: readonly (readonly number[])[]
  /** Answers at the end of the text. */
  readonly answers: readonly Answers[]
}

/** Milliseconds for which a recorded block is shown. */
const STEP = 60

/** Plays the recording while `isWanted`, a block at a time, without its times, which are not those of this machine. */
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
