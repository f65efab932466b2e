import { proxy, wrap, type Remote } from 'comlink'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Held, Remembers } from './head-streams'
import type { Given, ModelApi, Opened, Said } from './model-worker'

/** A line of the talk. */
export interface Line {
  readonly who: 'you' | 'model'
  readonly text: string
}

type State = 'none' | 'opening' | 'ready' | 'saying'

/** A model in a worker, and a talk with it, which begins anew when the method changes. */
export function useModel(name: Remembers, { context, share }: Held) {
  const [state, setState] = useState<State>('none')
  const [opened, setOpened] = useState<Opened>()
  const [lines, setLines] = useState<readonly Line[]>([])
  const [said, setSaid] = useState<Said>()
  const [problem, setProblem] = useState<string>()
  const worker = useRef<{ readonly remote: Remote<ModelApi>; end(): void } | undefined>(undefined)
  useEffect(() => () => worker.current?.end(), [])

  const tried = async (use: (remote: Remote<ModelApi>) => Promise<void>) => {
    setProblem(undefined)
    try {
      worker.current ??= made()
      await use(worker.current.remote)
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
      setState(opened ? 'ready' : 'none')
    }
  }
  const begin = (remote: Remote<ModelApi>) => {
    setLines([])
    setSaid(undefined)
    return remote.begin(name, { context, share })
  }
  useEffect(() => {
    if (state === 'ready') void tried(begin)
  }, [name, context, share])

  return {
    state,
    opened,
    lines,
    said,
    problem,
    open: (from: readonly Given[] | string, graph?: string) =>
      tried(async (remote) => {
        setState('opening')
        setOpened(undefined)
        const found = await remote.open(from, graph)
        await begin(remote)
        setOpened(found)
        setState('ready')
      }),
    say: (words: string, most: number) =>
      tried(async (remote) => {
        setState('saying')
        setLines((before) => [...before, { who: 'you', text: words }, { who: 'model', text: '' }])
        await remote.say(
          words,
          most,
          proxy((now: Said) => {
            setSaid(now)
            setLines((before) => [...before.slice(0, -1), { who: 'model', text: now.text }])
          }),
        )
        setState('ready')
      }),
    stop: () => worker.current?.remote.stop(),
  }
}

function made() {
  const worker = new Worker(new URL('./model-worker.ts', import.meta.url), { type: 'module' })
  return { remote: wrap<ModelApi>(worker), end: () => worker.terminate() }
}
