/** How coordinates turn with a token's place: coordinate pair i by place·frequency i, in float64. */
export interface Rotary {
  /** Frequencies are base^(−2i / width), i = 0 … width/2 − 1 … */
  readonly base?: number | undefined
  /** … or these, width/2 of them, in radians a token. One of the two is given. */
  readonly frequencies?: readonly number[] | undefined
  /** Coordinates of the turned columns that make pair i: i and i + width/2 ('halves'), or 2i and 2i + 1 ('interleaved'). */
  readonly pairing: 'halves' | 'interleaved'
  /** Columns that turn, an even number. Default: all from `first` on. */
  readonly width?: number | undefined
  /** The first column that turns. Default 0. */
  readonly first?: number | undefined
  /** Factors of the frequencies, width/2 of them: Llama 3's and others' longer contexts. Default 1. */
  readonly scaling?: readonly number[] | undefined
}

/**
 * Where tokens stand that have left the window: by their place in the text; in the cache, first tokens right behind the window (StreamingLLM's rule); or all
 * at one distance from the query.
 */
export type Positions = 'text' | 'cache' | { readonly clamp: number }

/** Features of a head beside softmax(scale·QKᵀ)V. A list has an entry for each query row of a token. */
export interface Head {
  /** Scores s = scale·⟨q, k⟩ become softcap·tanh(s / softcap). */
  readonly softcap?: number | undefined
  /** A logit without a value, in the denominator of every row. */
  readonly sinkLogit?: number | readonly number[] | undefined
  /** ALiBi: slope·distance is subtracted from the score of a token so many places back. */
  readonly slope?: number | readonly number[] | undefined
  /** A query sees exactly so many tokens, its own the last of them. */
  readonly window?: number | undefined
  /** Keys and queries arrive unrotated, and turn with their place. Absent: they arrive as they are to be used. */
  readonly rotary?: Rotary | undefined
  /** Positions of turned tokens; with `rotary`, in tiers behind a window. Default 'text'. */
  readonly positions?: Positions | undefined
  /** Values are the first dv columns of the keys, and are held once; blocks come with values of 0 columns. */
  readonly values?: 'in keys' | undefined
}

export type HeadFeature = keyof Head

export const HEAD_FEATURES: readonly HeadFeature[] = [
  'softcap',
  'sinkLogit',
  'slope',
  'window',
  'rotary',
  'positions',
  'values',
]

/** Features that every stream can, since they are done to what comes in and goes out: turning by place in the text, and the sink. */
export const FRAME_FEATURES: readonly HeadFeature[] = ['sinkLogit', 'rotary']

/** Features of streams that answer exactly over the tokens that they hold. */
export const HELD_FEATURES: readonly HeadFeature[] = [...FRAME_FEATURES, 'softcap']

/** The features that are given, in one order; nothing else of a shape. */
export function headOf(shape: Head): Head {
  return Object.fromEntries(HEAD_FEATURES.flatMap((name) => (shape[name] === undefined ? [] : [[name, shape[name]]])))
}

/** The features that a head has and a method or stream, by what it can, does not compute. */
export function featuresBeyond(head: Head, can: readonly HeadFeature[]): HeadFeature[] {
  return HEAD_FEATURES.filter((name) => head[name] !== undefined && !can.includes(name))
}

/** Features that are left to a part whose queries and keys are turned, and whose sink is added, around it. */
export function scoresOf({ softcap }: Head): Pick<Head, 'softcap'> {
  return softcap === undefined ? {} : { softcap }
}

/** The entry of query row r, in rows of a token after rows of a token. */
export function perRow(value: number | readonly number[], row: number): number {
  return typeof value === 'number' ? value : value[row % value.length]
}
