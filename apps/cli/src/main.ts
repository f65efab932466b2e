import { Command, CommanderError } from 'commander'
import { version } from '../package.json'
import { attendCommand } from './attend-command'
import { captureCommand } from './capture-command'
import { chatCommand } from './chat-command'
import { compareCommand } from './compare-command'
import { demoCommand } from './demo-command'
import { withExamples } from './examples'
import { generateCommand } from './generate-command'
import { inspectCommand } from './inspect-command'
import { needleCommand } from './needle-command'
import { newSketchCommand } from './new-sketch-command'
import { newStreamCommand } from './new-stream-command'
import { perplexityCommand } from './perplexity-command'
import { plainly } from './open-input'
import { planCommand } from './plan-command'
import { readCommand } from './read-command'
import { recoverCommand } from './recover-command'
import { mergeCommand, shardCommand, workCommand } from './shard-commands'

/** Exit codes: 0 ok, 1 usage, 2 bad input, 3 done but not worthwhile, 130 interrupted. */
const USAGE = 1
const BAD_INPUT = 2
const INTERRUPTED = 130

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

const program = new Command('sublinear')
  .description('Attention over sequences too long to store')
  .version(version)
  .showHelpAfterError('usage: sublinear <command> …\n(add --help for the commands)')
  .exitOverride()
for (const command of [
  attendCommand,
  captureCommand,
  compareCommand,
  planCommand,
  inspectCommand,
  recoverCommand,
  readCommand,
  needleCommand,
  perplexityCommand,
  generateCommand,
  chatCommand,
  demoCommand,
  shardCommand,
  workCommand,
  mergeCommand,
  newStreamCommand,
  newSketchCommand,
]) {
  program.addCommand(withExamples(command(interrupt.signal)).exitOverride())
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE
  else if (interrupt.signal.aborted) {
    console.error('sublinear: interrupted; no unfinished file was left behind')
    process.exitCode = INTERRUPTED
  } else {
    const plain = plainly(error)
    console.error(`sublinear: ${plain instanceof Error ? plain.message : String(plain)}`)
    process.exitCode = BAD_INPUT
  }
}
