import { fileURLToPath } from 'node:url'
import { format } from 'node:util'
import type { Result } from './run-sublinear'

const built = fileURLToPath(new URL('../dist/program.js', import.meta.url))

interface Program {
  runProgram(args: readonly string[], signal: AbortSignal): Promise<void>
}

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs the built command within this process, one call after the other: nothing is started and loaded again. `runSublinear` is for what a process of
 * its own shows: signals, standard input, pipes, the user's modules.
 *
 * @param cwd  the folder it runs in; default: that of the tests
 */
export function callSublinear(args: readonly string[], cwd?: string): Promise<Result> {
  const result = last.then(() => called(args, cwd))
  last = result.catch(() => {})
  return result
}

async function called(args: readonly string[], cwd = process.cwd()): Promise<Result> {
  const { runProgram } = (await import(built)) as Program
  const before = { folder: process.cwd(), argv: process.argv, exitCode: process.exitCode }
  const { log, error } = console
  const [toStdout, toStderr] = [process.stdout.write, process.stderr.write]
  let [stdout, stderr] = ['', '']
  console.log = (...said: unknown[]) => void (stdout += `${format(...said)}\n`)
  console.error = (...said: unknown[]) => void (stderr += `${format(...said)}\n`)
  process.stdout.write = ((text: string) => Boolean((stdout += text))) as typeof process.stdout.write
  process.stderr.write = ((text: string) => Boolean((stderr += text))) as typeof process.stderr.write
  process.argv = [process.execPath, 'sublinear', ...args]
  process.exitCode = undefined
  try {
    process.chdir(cwd)
    await runProgram(args, new AbortController().signal)
    return { code: Number(process.exitCode ?? 0), stdout, stderr }
  } finally {
    Object.assign(console, { log, error })
    Object.assign(process.stdout, { write: toStdout })
    Object.assign(process.stderr, { write: toStderr })
    process.argv = before.argv
    process.exitCode = before.exitCode
    process.chdir(before.folder)
  }
}
