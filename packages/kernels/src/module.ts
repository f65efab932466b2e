import { Arena } from './arena'
import { simdModule } from './generated/simd'

/** What assembly/ exports. Pointers and lengths of rows are in bytes, counts in entries. */
export interface Inner {
  product(
    direct: number,
    a: number,
    aStep: number,
    aStrip: number,
    b: number,
    bStep: number,
    bPanel: number,
    rows: number,
    inner: number,
    cols: number,
    c: number,
    cRow: number,
    from: number,
    fromRow: number,
    add: number,
    edge: number,
  ): void
  rowProduct(
    a: number,
    aStep: number,
    b: number,
    bStep: number,
    inner: number,
    cols: number,
    c: number,
    from: number,
    add: number,
    edge: number,
  ): void
  packRows(to: number, from: number, fromRow: number, rows: number, inner: number): void
  packStrips(to: number, from: number, fromRow: number, inner: number, rows: number): void
  packColumns(to: number, from: number, fromRow: number, cols: number, inner: number): void
  packPanels(to: number, from: number, fromRow: number, inner: number, cols: number): void
  exponential(out: number, x: number, count: number): void
  softmaxStep(scores: number, max: number, mass: number, factors: number, rows: number, cols: number): void
  addShares(
    out: number,
    scores: number,
    cols: number,
    scale: number,
    bias: number,
    max: number,
    factors: number,
    limits: number,
    rows: number,
  ): void
  attendStrips(
    strips: number,
    q: number,
    d: number,
    keys: number,
    values: number,
    dv: number,
    bias: number,
    first: number,
    count: number,
    limits: number,
    max: number,
    mass: number,
    out: number,
    outRow: number,
    weights: number,
    packed: number,
  ): void
  attendRow(
    q: number,
    d: number,
    keys: number,
    values: number,
    dv: number,
    bias: number,
    count: number,
    max: number,
    mass: number,
    out: number,
    scores: number,
  ): void
  packQueries(to: number, from: number, rows: number, d: number, scale: number, turned: number): void
  copyRows(to: number, toRow: number, from: number, fromRow: number, rows: number, bytes: number): void
  monomials(
    out: number,
    x: number,
    ratios: number,
    rows: number,
    d: number,
    degree: number,
    t: number,
    suffix: number,
  ): void
  monomialColumns(
    out: number,
    x: number,
    shift: number,
    unit: number,
    ratios: number,
    rows: number,
    d: number,
    degree: number,
    turned: number,
    suffix: number,
  ): void
  monomialTable(
    out: number,
    z: number,
    parents: number,
    coordinates: number,
    factors: number,
    rows: number,
    t: number,
  ): void
  dotColumns(out: number, a: number, x: number, inner: number, cols: number, narrow: number): void
  rowSums(out: number, a: number, rows: number, cols: number, weights: number): void
  polynomials(
    out: number,
    coefficients: number,
    functions: number,
    degree: number,
    keys: number,
    count: number,
    buckets: number,
  ): void
  affineWords(out: number, keys: number, bases: number, columns: number, count: number, scratch: number): void
  expandSigns(out: number, words: number, rows: number, count: number, unit: number): void
  scatterAdd(
    out: number,
    block: number,
    targets: number,
    factors: number,
    rows: number,
    nonzeros: number,
    width: number,
  ): void
  cubicEntries(
    targets: number,
    factors: number,
    step: number,
    values: number,
    skip: number,
    count: number,
    height: number,
    base: number,
    unit: number,
  ): void
  signedRows(
    to: number,
    block: number,
    width: number,
    offset: number,
    count: number,
    signsLow: number,
    signsHigh: number,
  ): void
  hadamard(x: number, width: number): void
  walshRows(
    out: number,
    x: number,
    indices: number,
    firstLow: number,
    firstHigh: number,
    rows: number,
    width: number,
    unit: number,
  ): void
  normalColumns(
    out: number,
    outRow: number,
    keyLow: number,
    keyHigh: number,
    stream: number,
    firstRow: number,
    rows: number,
    firstLow: number,
    firstHigh: number,
    count: number,
    unit: number,
  ): void
  largestBits(x: number, count: number): number
  addScaled(out: number, x: number, factor: number, count: number): void
  dot(out: number, a: number, x: number, inner: number): void
  unpack(out: number, from: number, stride: number, bits: number, rows: number, width: number): void
  packCodes(
    to: number,
    stride: number,
    bits: number,
    x: number,
    rows: number,
    width: number,
    trials: number,
    count: number,
    top: number,
    table: number,
    last: number,
  ): void
  turn(x: number, signs: number, rows: number, width: number, p: number, unit: number, back: boolean): void
  peak(rounds: number): number
}

/** The compiled module with its memory. */
export interface Machine {
  readonly inner: Inner
  readonly arena: Arena
}

let machine: Machine | undefined

/** Compiled synchronously at the first call, once. */
export function simdMachine(): Machine {
  if (!machine) {
    const text = atob(simdModule)
    const bytes = new Uint8Array(text.length)
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
    const arena = new Arena()
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: arena.memory } })
    machine = { inner: exports as unknown as Inner, arena }
  }
  return machine
}
