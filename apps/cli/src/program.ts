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

const COMMANDS = [
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
]

/** Exit codes: 0 ok, 1 usage, 2 bad input, 3 done but not worthwhile, 130 interrupted. */
const USAGE = 1
export const BAD_INPUT = 2
export const INTERRUPTED = 130

/**
 * Runs one command line to its end, and sets `process.exitCode`. Errors are printed on stderr in one line, and never thrown.
 *
 * @param args  the words after `sublinear`
 * @param signal  signal that interrupts the command
 */
export async function runProgram(args: readonly string[], signal: AbortSignal): Promise<void> {
  const program = new Command('sublinear')
    .description('Computes attention over sequences that are too long to store')
    .version(version)
    .showHelpAfterError('usage: sublinear <command> …\n(add --help for the commands)')
    .exitOverride()
  for (const command of COMMANDS) program.addCommand(withExamples(command(signal)).exitOverride())
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE
    else if (signal.aborted) {
      console.error('sublinear: interrupted; no unfinished file was left behind')
      process.exitCode = INTERRUPTED
    } else {
      const plain = plainly(error)
      console.error(`sublinear: ${plain instanceof Error ? plain.message : String(plain)}`)
      process.exitCode = BAD_INPUT
    }
  }
}
