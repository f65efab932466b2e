/** Shares of the exact cache that the slider has. */
export const SHARES = [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]
/** State of the first page where its address says nothing else. */
export const USUAL = { model: 'sharp', share: '2', needles: 'falcon.4729.700', times: '1' }
/** Readings of the book one after the other that come to some 50,000 tokens. */
export const MANY = 14
/** Tokens that each lane reads between two reports, so that the page hears of it several times a second. */
export const BLOCK = 128
