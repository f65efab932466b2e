import { proxy, wrap, type Remote } from 'comlink'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { DroppedFile } from './head-files'
import type { HeadReport, HeadsApi, Progress, Recipe } from './heads-worker'
import type { Kind } from './sample-head'

interface Found {
  readonly report?: HeadReport
  readonly recipe?: Recipe
  readonly progress?: Progress | undefined
  readonly problem?: string
  readonly isStopped?: boolean
}

/** The board and the recipe of what is chosen, computed in a worker; a new choice ends what the old one computes. */
export function useHead(from: readonly DroppedFile[] | Kind, place: string | undefined) {
  const [found, setFound] = useState<Found>({})
  const remote = useRef<Remote<HeadsApi>>(undefined)
  const [times, setTimes] = useState(0)
  /** Counts what was asked, so that answers to what is no longer asked are dropped. */
  const asked = useRef(0)

  const ask = (before: Found, work: (own: Remote<HeadsApi>, heard: (progress: Progress) => void) => Promise<Found>) => {
    const own = ++asked.current
    const take = (next: Found) => {
      if (own === asked.current) setFound({ ...before, ...next })
    }
    if (!remote.current) return
    work(
      remote.current,
      proxy((progress: Progress) => take({ progress })),
    ).then(
      (next) => take({ ...next, progress: undefined }),
      (error: unknown) => {
        const isStopped = error instanceof Error && error.name === 'AbortError'
        take({
          progress: undefined,
          ...(isStopped
            ? { isStopped: !before.report }
            : { problem: error instanceof Error ? error.message : String(error) }),
        })
      },
    )
  }

  useEffect(() => {
    const worker = new Worker(new URL('./heads-worker.ts', import.meta.url), { type: 'module' })
    remote.current = wrap<HeadsApi>(worker)
    const start: Found = { progress: { what: 'cells', done: 0, total: 1 } }
    setFound(start)
    ask({}, async (own, heard) => ({ report: await own.board(from, place, heard) }))
    return () => {
      asked.current++
      worker.terminate()
    }
  }, [from, place, times])

  return {
    ...found,
    advise(share: number) {
      const { report } = found
      if (!report) return
      setFound({ report, progress: { what: '% of the search', done: 0, total: 100 } })
      ask({ report }, async (own, heard) => ({ recipe: await own.advise(share, heard) }))
    },
    stop: () => void remote.current?.stop(),
    again: () => setTimes(times + 1),
  }
}
