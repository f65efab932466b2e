import { schema } from '@sublinear/core'

/** The most tokens that wait to be folded. */
export const MOST_BUFFER = 64

/** Tokens that may wait, as snapshots of streams that fold have it. */
export const bufferSchema = schema({ parameters: { buffer: { whole: true, least: 1, most: MOST_BUFFER } } })
