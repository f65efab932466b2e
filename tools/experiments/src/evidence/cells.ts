/** What is measured: which model reads through which stream, in how much memory, how far. */
export interface Cell {
  readonly model: ModelName
  readonly method: string
  /** Of the final float32 cache, its inverse; 1 is the whole cache. */
  readonly share: number
  /** Length of prompts and windows, and what budgets are shares of. */
  readonly tokens: number
  /** Needles alone, or bits per byte too. */
  readonly asks: 'needles' | 'both'
}

export type ModelName = 'sharp' | 'bounded'

export const MODELS: readonly ModelName[] = ['sharp', 'bounded']
export const SHARES = [2, 4, 8, 16]
export const LENGTHS: readonly number[] = [2048, 4096]
/** Further lengths of the needle figure, at the second paper's share of 1/4. */
export const FIGURE = { share: 4, lengths: [1024, 3072] }

/** Prompts of a cell: so many contexts, one needle at each depth, all asked for at the end. */
export const CONTEXTS = 9
export const DEPTHS = Array.from({ length: 12 }, (_, i) => (i + 0.5) / 12)
/** Windows of each text, of the longest length, whose second halves are predicted. */
export const WINDOWS = 1
/** Held out from the models, and none of them what recipes are made from. */
export const TEXTS = ['persuasion', 'romans'] as const
export const CALIBRATION = 'revelation'

/** Exact attention first; then what a cache can hold, as users know it; then what came of the two papers and of this repository. */
export const METHODS = [
  'exact',
  'streamingLlm',
  'snapKv',
  'pyramidKv',
  'h2o',
  'tova',
  'uniform',
  'clusters',
  'balanceKv',
  'quantised',
  'autoStream',
] as const

/** All cells, those first without which nothing can be said. */
export function allCells(): Cell[] {
  const [shorter, longest] = LENGTHS as [number, number]
  const of = (tokens: number, share: number, asks: Cell['asks']) =>
    METHODS.flatMap((method) =>
      MODELS.map((model): Cell => ({ model, method, share: method === 'exact' ? 1 : share, tokens, asks })),
    )
  const cells = [
    ...[8, 4, 16, 2].flatMap((share) => [...of(longest, share, 'both'), ...of(shorter, share, 'needles')]),
    ...FIGURE.lengths.flatMap((tokens) => of(tokens, FIGURE.share, 'needles')),
  ]
  return [...new Map(cells.map((cell) => [nameOf(cell), cell])).values()]
}

export const nameOf = ({ model, method, share, tokens }: Cell) => `${model}-${tokens}-${share}-${method}`
