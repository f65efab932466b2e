import { Command, CommanderError } from 'commander'
import { attendCommand } from './attend-command'
import { demoCommand } from './demo-command'
import { inspectCommand } from './inspect-command'

/** Exit codes: 0 ok, 1 usage, 2 bad input, 3 done but not worthwhile, 130 interrupted. */
const USAGE = 1
const BAD_INPUT = 2
const INTERRUPTED = 130

const interrupt = new AbortController()
process.once('SIGINT', () => {
  interrupt.abort(new Error('interrupted'))
  process.once('SIGINT', () => process.exit(INTERRUPTED)) // a second one does not wait for the clean-up
})
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0) // the reader of the pipe has seen enough
  throw error
})

const program = new Command('sublinear')
  .description('Attention over sequences too long to store')
  .showHelpAfterError('(add --help for the options)')
  .exitOverride()
for (const command of [attendCommand, inspectCommand, demoCommand]) {
  program.addCommand(command(interrupt.signal).exitOverride().showHelpAfterError('(add --help for the options)'))
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE
  else if (interrupt.signal.aborted) {
    console.error('sublinear: interrupted; nothing was left behind')
    process.exitCode = INTERRUPTED
  } else {
    console.error(`sublinear: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = BAD_INPUT
  }
}
