import { COUNT, FINITE, schema, SUM, TOTAL } from '@sublinear/core'

/** Schema of entropy-coded tokens: the codes, their steps, and the means that they follow. */
export const entropyTokensSchema = schema({
  parameters: { weight: TOTAL, keyStep: 'text', valueStep: 'text' },
  tensors: {
    codes: { type: 'U8', ...COUNT },
    blocks: { type: 'U32', ...COUNT },
    priors: { type: 'U32', size: '2·(d + dv)', ...COUNT },
    guesses: { type: 'U8', size: 'd + dv', ...COUNT },
    links: { type: 'U8', ...COUNT },
    sum: { type: 'F64', size: 'd', ...SUM },
    centre: { type: 'F32', size: 'd + dv', ...FINITE },
  },
})
