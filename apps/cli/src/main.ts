import { BAD_INPUT, INTERRUPTED, runProgram } from './program'

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // One handler for good: in a moment without a handler, a signal would kill the command. The second signal does not wait for the clean-up.
  process.on(signal, () => {
    if (interrupt.signal.aborted) process.exit(INTERRUPTED)
    interrupt.abort(new Error('interrupted'))
  })
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0) // the reader of the pipe wants no more
  console.error(`sublinear: cannot write the output: ${error.message}`)
  process.exit(BAD_INPUT)
})

await runProgram(process.argv.slice(2), interrupt.signal)
