import { BAD_INPUT, INTERRUPTED, runProgram } from './program'

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    interrupt.abort(new Error('interrupted'))
    process.once(signal, () => process.exit(INTERRUPTED)) // a second one does not wait for the clean-up
  })
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0) // the reader of the pipe has seen enough
  console.error(`sublinear: cannot write the output: ${error.message}`)
  process.exit(BAD_INPUT)
})

await runProgram(process.argv.slice(2), interrupt.signal)
