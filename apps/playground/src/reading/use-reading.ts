import { proxy, wrap, type Remote } from 'comlink'
import { useEffect, useRef, useState } from 'preact/hooks'
import boundedUrl from '../../../../packages/small-lm/data/bounded.safetensors?url'
import sharpUrl from '../../../../packages/small-lm/data/sharp.safetensors?url'
import { BOUNDED, METHODS } from './method-names'
import type { PlacedNeedle } from './needles'
import { withNeedles } from './planted'
import type { Answer, Progress, ReadingApi } from './reading-worker'

/** Addresses of the weights, by the model's name. */
export const MODELS: Readonly<Record<string, string>> = { sharp: sharpUrl, bounded: boundedUrl }

/** Answers of all methods about a word; none while they are asked. */
export interface Answers {
  readonly word: string
  readonly all: readonly Answer[]
}

interface Wanted {
  readonly modelName: string
  readonly text: string
  readonly needles: readonly PlacedNeedle[]
  readonly share: number
  /** How many times the text is read; more than once by bounded methods alone. */
  readonly times: number
}

/** The worker, and the model that it has or is loading. */
interface Reading {
  readonly remote: Remote<ReadingApi>
  loaded: { readonly name: string; readonly done: Promise<void> } | undefined
}

/** The wanted reading, in a worker: it begins anew whenever the wish changes. */
export function useReading({ modelName, text, needles, share, times }: Wanted) {
  const [progress, setProgress] = useState<Progress>()
  const [answers, setAnswers] = useState<Answers>()
  const [problem, setProblem] = useState<string>()
  const api = useRef<Reading | undefined>(undefined)

  useEffect(() => {
    if (text === '') return
    api.current ??= {
      remote: wrap<ReadingApi>(new Worker(new URL('./reading-worker.ts', import.meta.url), { type: 'module' })),
      loaded: undefined,
    }
    const own = api.current
    let isWanted = true
    setAnswers(undefined)
    const start = async () => {
      if (own.loaded?.name !== modelName)
        own.loaded = { name: modelName, done: own.remote.load(new URL(MODELS[modelName], location.href).href) }
      await own.loaded.done
      if (!isWanted) return
      await own.remote.read(
        { text: withNeedles(text, needles), names: times > 1 ? BOUNDED : METHODS, share, times },
        proxy((now: Progress) => {
          if (isWanted) setProgress(now)
        }),
      )
    }
    start().catch((error: unknown) => {
      own.loaded = undefined
      if (isWanted) setProblem(error instanceof Error ? error.message : String(error))
    })
    return () => {
      isWanted = false
    }
  }, [modelName, text, needles, share, times])

  const ask = async (word: string) => {
    if (!api.current) return
    setAnswers({ word, all: [] })
    const all = await api.current.remote.ask(word)
    setAnswers((now) => (now?.word === word ? { word, all } : now))
  }
  return { progress, answers, problem, ask }
}
