// Tokens in few bits: packing, and attention over the codes.
export { unpack, codeDistances, widen } from './unpack'
export { openHeaders } from './code-rows'
export { roundQueries } from './code-scores'
export { attendCodes } from './attend-codes'
export { addCodeShares } from './code-shares'
export { packCodes } from './pack-codes'
export { turn } from './turn'
