import { schema } from '@sublinear/core'

/** The most tokens that wait to be folded. */
export const MOST_BUFFER = 64

/** Schema of the number of tokens that may wait, for streams that fold tokens. */
export const bufferSchema = schema({ parameters: { buffer: { whole: true, least: 1, most: MOST_BUFFER } } })
