/**
 * For every method whose summaries do not merge, the one of the same idea whose do: scores of keys and of received attention keep tokens, as the window with sinks
 * does; samples and groups of tokens sum up, as closures do.
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

/** The method that merges and is nearest in what it holds; `exact` holds everything, and merges too. */
export function nearestMerging(name: string): string {
  return Object.hasOwn(merging, name) ? merging[name] : 'closure'
}
