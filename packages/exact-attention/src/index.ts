export { exactAttention, type ExactAttention } from './exact-attention'
export { exactStream, restoreExactStream } from './exact-stream'
export { combine, divideRows, normalise } from './partial-softmax'
