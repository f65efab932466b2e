import { catalogue } from '@sublinear/attention'
import type { Command } from 'commander'
import { wrapped } from './report'

/** A sentence for each method of the catalogue: what it keeps. Its source stands behind it. */
export const SENTENCES: Readonly<Record<string, string>> = {
  exact: 'Keeps everything in float32.',
  quantised: 'Keeps every token, in few bits.',
  sinks: 'Keeps the first tokens.',
  window: 'Keeps the newest tokens.',
  streamingLlm: 'Keeps the first and the newest tokens.',
  h2o: 'Keeps the tokens with the most attention so far.',
  tova: 'Drops the token that the newest query attends to least.',
  snapKv: 'Keeps the tokens that a window of recent queries attends to.',
  pyramidKv: 'Is snapKv with more bytes for lower layers.',
  observedAttention: 'Keeps the tokens with the most attention a query that saw them.',
  keyNorm: 'Keeps the keys with the smallest norms.',
  keyDiff: 'Keeps the keys that point away from the mean direction.',
  lagKv: 'Keeps the tokens that vary most, by the range of those just after them.',
  cur: 'Keeps the tokens whose keys and values, norms multiplied, are largest.',
  reservoir: 'Keeps a random sample, weighted so that sums are right on average.',
  clusters: 'Merges like keys into one, with a weight.',
  misfit: 'Keeps the tokens that a summary by means and covariance would get wrong.',
  farKeys: 'Keeps the keys that are farthest from their mean.',
  farClosure: 'Is farKeys, and a closure of all the rest.',
  momentKv: 'Is misfit, and the summary that it is for: count, means, covariance of values with keys.',
  endless: 'Reads on for ever: sinks, far keys, newest tokens and bounded distances.',
  mean: 'Answers the mean of the values: what knowing nothing gets.',
  firstOrder: 'Keeps count, means, and the covariance of values with keys: one size, whatever the length.',
  closure: 'Keeps first and second moments of keys and values: one size, whatever the length.',
  taylor: 'Keeps sums over polynomial features of the keys: one size, whatever the length.',
  anisotropic: 'Is taylor with more degrees where a pilot of the keys spreads.',
  balanceKv: 'Halves blocks of tokens so that signed sums stay small.',
  momentCoreset: 'Keeps weighted tokens that match moments of all.',
  mergeReduce: 'Is balanceKv over a binary tree of blocks.',
  auto: 'Chooses a stack of the others for the budget.',
}

/** Lists what --stream and --streams take below the options of a help page. */
export function withStreamList(command: Command): Command {
  return command.addHelpText('after', () => `\n${streamList(command.configureOutput().getOutHelpWidth?.() ?? 80)}`)
}

/** A line or more for each method of the catalogue. */
export function streamList(width: number): string {
  const widest = Math.max(...catalogue.map(({ name }) => name.length))
  const lines = catalogue.flatMap(({ name, source }) => {
    const words = wrapped(`${SENTENCES[name]} (${source})`, Math.max(30, width - widest - 4))
    return words.map((line, i) => `  ${(i === 0 ? name : '').padEnd(widest)}  ${line}`)
  })
  return ['Streams:', ...lines].join('\n')
}
