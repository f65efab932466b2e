import { readFileSync } from 'node:fs'

/** Letter of a process's state, as Linux has it in /proc (T: stopped); undefined where it has ended, or where there is no /proc. */
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
