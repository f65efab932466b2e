import type { AttentionKernels } from './attention-kernels'
import { longAttend } from './long-attention'
import { attend } from './scalar/attend'
import { addShares } from './scalar/shares'

/** The kernels of softmax attention in plain JavaScript. */
export const scalarAttentionKernels: AttentionKernels = {
  name: 'scalar',
  attend: /* @__PURE__ */ longAttend(attend),
  addShares,
}
