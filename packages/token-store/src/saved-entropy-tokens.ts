import { COUNT, FINITE, schema, SUM, TOTAL } from '@sublinear/core'

/** Codes, their steps and what they follow, as snapshots have them. */
export const entropyTokensSchema = schema({
  parameters: { weight: TOTAL, keyStep: 'text', valueStep: 'text' },
  tensors: {
    codes: { type: 'U8', ...COUNT },
    blocks: { type: 'U32', ...COUNT },
    priors: { type: 'U32', size: '2·(d + dv)', ...COUNT },
    sum: { type: 'F64', size: 'd', ...SUM },
    centre: { type: 'F32', size: 'd + dv', ...FINITE },
  },
})
