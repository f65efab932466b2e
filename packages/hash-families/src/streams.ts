/** The last word of the Philox counter: what each family draws from a seed is independent of what the others draw. */
export const STREAMS = {
  keys: 0x686b0000,
  polynomial31: 0x68310000,
  polynomial61: 0x68610000,
  signs: 0x68640000,
  tables: 0x68740000,
}
