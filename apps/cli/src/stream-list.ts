import { catalogue } from '@sublinear/attention'
import type { Command } from 'commander'
import { SENTENCES } from './method-sentences'
import { wrapped } from './report'

/** Adds a list of the methods for --stream and --streams below the options of a help page. */
export function withStreamList(command: Command): Command {
  return command.addHelpText('after', () => `\n${streamList(command.configureOutput().getOutHelpWidth?.() ?? 80)}`)
}

/** Writes one or more lines for each method of the catalogue. */
export function streamList(width: number): string {
  const widest = Math.max(...catalogue.map(({ name }) => name.length))
  const lines = catalogue.flatMap(({ name, source }) => {
    const words = wrapped(`${SENTENCES[name]} (${source})`, Math.max(30, width - widest - 4))
    return words.map((line, i) => `  ${(i === 0 ? name : '').padEnd(widest)}  ${line}`)
  })
  return ['Streams:', ...lines].join('\n')
}
