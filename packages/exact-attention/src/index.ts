export { exactAttention, type ExactAttention } from './exact-attention'
export { exactMethod, exactStream, restoreExactStream } from './exact-stream'
export { shapedAttend, type Scored, type ShapedKeys, type Sight } from './shaped-attend'
export { addPartial, combine, divideRows, normalise } from './partial-softmax'
