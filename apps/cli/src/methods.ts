import { catalogue } from '@sublinear/attention'
import type { Method } from '@sublinear/core'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { nearest } from '@sublinear/core'
import { list } from './options'
import { ownMethod } from './own-method'
import { withStreamList } from './stream-list'

/** Names of the catalogue, which --stream takes beside modules. */
export const NAMES: readonly string[] = catalogue.map(({ name }) => name)

/** Whether a value of --stream is the path of a module. */
export function isPath(text: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(text)
}

/** Checks a value of --stream: the name of a method, or the path of a user's own module. */
export function streamName(text: string): string {
  if (NAMES.includes(text) || isPath(text)) return text
  throw new InvalidArgumentError(
    `${text} is not one of ${NAMES.join(', ')}, and not a module: did you mean ${nearest(text, NAMES)}?`,
  )
}

/** The method that a value of --stream names. @throws Error when it is a module that cannot be loaded, or exports no method */
export async function methodNamed(text: string): Promise<Method> {
  return isPath(text) ? ownMethod(text) : catalogue.find(({ name }) => name === text)!
}

/** Options --streams and --stream together. */
export interface StreamsFlags {
  readonly streams?: readonly string[]
  readonly stream: readonly string[]
}

/** Adds the options of a command that runs several methods side by side. */
export function withStreams(command: Command, default_ = 'all'): Command {
  return withStreamList(command)
    .option('--streams <names>', `streams to run, as a,b: names (listed below) (default: ${default_})`, streamNames)
    .addOption(
      new Option(
        '--stream <name or file>',
        'a further stream: one of them, or a module of your own (may be given several times)',
      )
        .argParser((text: string, before: readonly string[]) => [...before, streamName(text)])
        .default([], 'none'),
    )
}

/** Values of --stream and --streams, each once. Where only names are given, only these run; modules run beside the usual methods. */
export function chosenStreams({ streams, stream }: StreamsFlags, usual: readonly string[]): string[] {
  const chosen = streams ?? (stream.every(isPath) ? usual : [])
  return [...new Set([...chosen, ...stream])]
}

/** The methods of some values. @throws RangeError when two have one name */
export async function methodsNamed(texts: readonly string[]): Promise<Method[]> {
  const methods: Method[] = []
  for (const text of texts) methods.push(await methodNamed(text))
  const twice = methods.find(({ name }, i) => methods.findIndex((other) => other.name === name) < i)
  if (twice) throw new RangeError(`two streams are named ${twice.name}: rename one`)
  return methods
}

function streamNames(text: string): string[] {
  return list(text).map(streamName)
}
