/**
 * For every method whose summaries do not merge, the most similar method whose summaries do: methods that keep tokens by scores get the window with sinks, samples
 * and groups of tokens get closures.
 */
const merging: Readonly<Record<string, string>> = {
  h2o: 'streamingLlm',
  tova: 'streamingLlm',
  snapKv: 'streamingLlm',
  pyramidKv: 'streamingLlm',
  observedAttention: 'streamingLlm',
  keyNorm: 'streamingLlm',
  keyDiff: 'streamingLlm',
  lagKv: 'streamingLlm',
  cur: 'streamingLlm',
  misfit: 'streamingLlm',
  farKeys: 'streamingLlm',
  farClosure: 'closure',
  momentKv: 'firstOrder',
  endless: 'closure',
  reservoir: 'closure',
  clusters: 'closure',
  balanceKv: 'closure',
  momentCoreset: 'taylor',
  mergeReduce: 'closure',
  auto: 'closure',
}

/** The method that merges and is most similar in what it holds; `exact` holds everything, and merges too. */
export function nearestMerging(name: string): string {
  return Object.hasOwn(merging, name) ? merging[name] : 'closure'
}
