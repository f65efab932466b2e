import { readFileSync } from 'node:fs'

/** The letter of a process's state in Linux's /proc (T: stopped); undefined where the process has ended, or where there is no /proc. */
export function stateOf(pid: number): string | undefined {
  try {
    const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
    return state === 'Z' ? undefined : state
  } catch {
    return undefined
  }
}

export const isAlive = (pid: number) => stateOf(pid) !== undefined

export const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
