/** Rotary position embedding: coordinate pair i turns by the angle place·frequency i, computed in float64. */
export interface Rotary {
  /** Base of the frequencies base^(−2i / width), i = 0 … width/2 − 1. Either `base` or `frequencies` is given. */
  readonly base?: number | undefined
  /** Frequencies, width/2 of them, in radians a token. Either `base` or `frequencies` is given. */
  readonly frequencies?: readonly number[] | undefined
  /** Coordinates of the turned columns that make pair i: i and i + width/2 ('halves'), or 2i and 2i + 1 ('interleaved'). */
  readonly pairing: 'halves' | 'interleaved'
  /** Columns that turn, an even number. Default: all from `first` on. */
  readonly width?: number | undefined
  /** The first column that turns. Default 0. */
  readonly first?: number | undefined
  /** Factors of the frequencies, width/2 of them, as Llama 3 and others have for longer contexts. Default 1. */
  readonly scaling?: readonly number[] | undefined
}

/**
 * Places of tokens that have left the window. 'text': their places in the text. 'cache': first tokens stand right behind the window (StreamingLLM's rule).
 * { clamp }: all stand at one distance from the query.
 */
export type Positions = 'text' | 'cache' | { readonly clamp: number }

/** Features of a head beside softmax(scale·QKᵀ)V. Where a feature is a list, it has an entry for each query row of a token. */
export interface Head {
  /** Bound of the scores: s = scale·⟨q, k⟩ becomes softcap·tanh(s / softcap). */
  readonly softcap?: number | undefined
  /** A logit without a value, in the denominator of every row. */
  readonly sinkLogit?: number | readonly number[] | undefined
  /** ALiBi: slope·distance is subtracted from the score of a token that stands `distance` places before the query. */
  readonly slope?: number | readonly number[] | undefined
  /** Number of tokens that a query sees, its own the last of them. */
  readonly window?: number | undefined
  /** Rotary embedding, where keys and queries arrive without it and turn by their place. Absent: keys and queries are used as they arrive. */
  readonly rotary?: Rotary | undefined
  /** Places of turned tokens behind a window; only with `rotary`, in tiers. Default 'text'. */
  readonly positions?: Positions | undefined
  /** 'in keys': the values are the first dv columns of the keys and are held once; blocks then bring values of 0 columns. */
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

/** Features that every stream has, since they change only what comes in or goes out: turning by place in the text, and the sink. */
export const FRAME_FEATURES: readonly HeadFeature[] = ['sinkLogit', 'rotary']

/** Features of streams that answer exactly over the tokens that they hold. */
export const HELD_FEATURES: readonly HeadFeature[] = [...FRAME_FEATURES, 'softcap']

/** The features of a head that a shape has, in one order, without its other fields. */
export function headOf(shape: Head): Head {
  const head: Record<string, Head[HeadFeature]> = {}
  for (const name of HEAD_FEATURES) if (shape[name] !== undefined) head[name] = shape[name]
  return head
}

/** The features that a head has and a method or stream, by what it can, does not compute. */
export function featuresBeyond(head: Head, can: readonly HeadFeature[]): HeadFeature[] {
  return HEAD_FEATURES.filter((name) => head[name] !== undefined && !can.includes(name))
}

/** Features that remain for a part of a stream that turns its queries and keys, and adds its sink, around that part. */
export function scoresOf({ softcap }: Head): Pick<Head, 'softcap'> {
  return softcap === undefined ? {} : { softcap }
}

/** The entry for query row r of a list that has one for each query row of a token; the number itself where it is no list. */
export function perRow(value: number | readonly number[], row: number): number {
  return typeof value === 'number' ? value : value[row % value.length]
}
