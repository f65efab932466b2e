/** One measurement: a model that reads through a stream, in so much memory, so far. */
export interface Cell {
  readonly model: ModelName
  readonly method: string
  /** Share of the final float32 cache, as its inverse; 1 is the whole cache. */
  readonly share: number
  /** Length of prompts and windows, and what budgets are shares of. */
  readonly tokens: number
  /** Needles alone, or bits per byte too. */
  readonly asks: 'needles' | 'both'
}

export type ModelName = 'sharp' | 'bounded'

/** A text of its own: none that is asked about. */
export const CALIBRATION = 'revelation'

export const MODELS: readonly ModelName[] = ['sharp', 'bounded']
export const SHARES = [2, 4, 8, 16]
export const LENGTHS: readonly number[] = [2048, 4096]
/** Further lengths of the needle figure, at the second paper's share of 1/4. */
export const FIGURE = { share: 4, lengths: [1024, 3072] }

/** Beyond what the models were trained on: some methods, at one share, needles alone. */
export const BEYOND = {
  tokens: 8192,
  share: 8,
  methods: ['exact', 'streamingLlm', 'snapKv', 'quantised', 'auto'],
}

/** Exact attention first; then what a cache can hold, as users know it; then what came of the two papers and of this repository. */
export const METHODS = [
  'exact',
  'streamingLlm',
  'snapKv',
  'pyramidKv',
  'h2o',
  'tova',
  'reservoir',
  'clusters',
  'balanceKv',
  'quantised',
  'auto',
] as const

/** Cells of both models. */
function cellsOf(methods: readonly string[], tokens: number, share: number, asks: Cell['asks']): Cell[] {
  return methods.flatMap((method) =>
    MODELS.map((model) => ({ model, method, share: method === 'exact' ? 1 : share, tokens, asks })),
  )
}

const each = (cells: readonly Cell[]) => [...new Map(cells.map((cell) => [nameOf(cell), cell])).values()]

/** All cells, those first without which nothing can be said. */
export function allCells(): Cell[] {
  const [shorter, longest] = LENGTHS as [number, number]
  return each([
    ...[8, 4, 16, 2].flatMap((share) => [
      ...cellsOf(METHODS, longest, share, 'both'),
      ...cellsOf(METHODS, shorter, share, 'needles'),
    ]),
    ...cellsOf(BEYOND.methods, BEYOND.tokens, BEYOND.share, 'needles'),
    ...FIGURE.lengths.flatMap((tokens) => cellsOf(METHODS, tokens, FIGURE.share, 'needles')),
  ])
}

/** Cells of the other prompts and texts. */
export function heldOutCells(): Cell[] {
  return each([8, 2].flatMap((share) => cellsOf(METHODS, LENGTHS.at(-1)!, share, 'both')))
}

export const nameOf = ({ model, method, share, tokens }: Cell) => `${model}-${tokens}-${share}-${method}`
