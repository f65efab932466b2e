// Tokens in few bits: packing, and attention over the codes.
export { unpack, codeDistances } from './unpack'
export { openHeaders } from './code-rows'
export { roundQueries } from './code-scores'
export { attendCodes } from './attend-codes'
export { attendCodeRows } from './attend-code-rows'
export { addCodeShares } from './code-shares'
export { packCodes } from './pack-codes'
export { turn, withoutCentre, withCentre } from './turn'
