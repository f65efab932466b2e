export { exactAttention, type ExactAttention } from './exact-attention'
export { exactMethod, exactStream, restoreExactStream } from './exact-stream'
export { addPartial, combine, divideRows, normalise } from './partial-softmax'
