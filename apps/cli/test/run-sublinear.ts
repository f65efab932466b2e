import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin/sublinear.mjs', import.meta.url))

/** A run of the built command that has ended. */
export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** The folder it runs in. Default: that of the tests. */
  readonly cwd?: string
  /** Written to standard input, which then ends, but where it is to be interrupted after a while. Default: there is none. */
  readonly input?: string
  /** Milliseconds until it is interrupted, or whether it is time. */
  readonly interrupt?: number | (() => boolean)
}

/** Runs the built command, as a user does. */
export function runSublinear(args: readonly string[], { cwd, input, interrupt }: RunOptions = {}): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [bin, ...args], {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(cwd !== undefined && { cwd }),
    })
    let [stdout, stderr] = ['', '']
    child.stdout!.on('data', (text) => (stdout += text))
    child.stderr!.on('data', (text) => (stderr += text))
    child.stdin?.on('error', () => {}) // a command that does not read has closed it
    child.stdin?.write(input)
    if (typeof interrupt !== 'number') child.stdin?.end()
    const stop = () => child.kill('SIGINT')
    const poll =
      typeof interrupt === 'number'
        ? setTimeout(stop, interrupt)
        : interrupt &&
          setInterval(() => {
            if (!interrupt()) return
            clearInterval(poll)
            stop()
          }, 10)
    child.on('close', (code) => {
      clearTimeout(poll)
      resolve({ code, stdout, stderr })
    })
  })
}
