export { exactAttention, type ExactAttention } from './exact-attention'
export { exactStream, restoreExactStream } from './exact-stream'
export { heldTokens, type HeldTokens, type HeldTokensOptions } from './held-tokens'
export { combine, divideRows, normalise } from './partial-softmax'
