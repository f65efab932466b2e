import { useEffect, useState } from 'preact/hooks'

/** State of the page, as it is written after # in its address: a link is a state. */
export type PageState = Readonly<Record<string, string>>

export function parsed(hash: string): PageState {
  return Object.fromEntries(new URLSearchParams(hash.replace(/^#/, '')))
}

/** Writes the address of a state, without empty entries. */
export function written(state: PageState): string {
  const some = Object.entries(state).filter(([, value]) => value !== '')
  return `#${new URLSearchParams(some).toString()}`
}

/** The state of the page, and a function that changes some of it. Each change is a step for the back button. */
export function usePageState(): [PageState, (change: PageState, isStep?: boolean) => void] {
  const [state, setState] = useState(() => parsed(location.hash))
  useEffect(() => {
    const follow = () => setState(parsed(location.hash))
    addEventListener('popstate', follow)
    addEventListener('hashchange', follow)
    return () => {
      removeEventListener('popstate', follow)
      removeEventListener('hashchange', follow)
    }
  }, [])
  const change = (some: PageState, isStep = false) => {
    const next = { ...parsed(location.hash), ...some }
    const address = written(next)
    if (isStep) history.pushState(null, '', address)
    else history.replaceState(null, '', address)
    setState(parsed(address))
  }
  return [state, change]
}
