/** Last words of the Philox counter, one a family: numbers that one family draws from a seed are independent of those that another draws. */
export const STREAMS = {
  keys: 0x686b0000,
  polynomial31: 0x68310000,
  polynomial61: 0x68610000,
  signs: 0x68640000,
  tables: 0x68740000,
}
