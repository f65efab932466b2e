import type { Floats } from './kernels'

/** Kernels of random matrices that are never stored, beside those of `kernels()` that have the same name. */
export interface SketchKernels {
  readonly name: 'simd' | 'scalar'
  /**
   * Evaluates polynomials mod p = 2^61 − 1 at keys < 2^53: function f has degree + 1 coefficients < p from word 2·(degree + 1)·f on, two
   * words each (the lower first), lowest degree first. out (functions × count) gets values 0 … p − 1 as two words each, or
   * with buckets from 1 to 2^31 the words ⌊value·buckets / 2^61⌋.
   */
  polynomials(
    out: Uint32Array,
    coefficients: Uint32Array,
    functions: number,
    degree: number,
    keys: Float64Array,
    count: number,
    buckets: number,
  ): void
  /**
   * Computes out[2f], out[2f + 1] (64 bits, the lower word first) = bases[2f], bases[2f + 1] ⊕ A(s) for f < count: s (7 bits) is the XOR
   * of columns[t] over the set bits t of function f's 128-bit key, and bit l of A(s) is the parity of s & (1 + 2l). Byte p of
   * key f is byte f mod 16 of the 16 bytes that begin at word 64·⌊f/16⌋ + 4p of keys.
   */
  affineWords(out: Uint32Array, keys: Uint32Array, bases: Uint32Array, columns: Uint32Array, count: number): void
  /**
   * Expands bits to signs, out (rows × count): where bit c of row r's words (⌈count/32⌉ words a row, lowest bit first) is clear, +unit; where it is set, −unit.
   */
  expandSigns(out: Floats, words: Uint32Array, rows: number, count: number, unit: number): void
  /** Scatters rows of `width` entries: out[targets[r·nonzeros + e], :] += factors[r·nonzeros + e] · block[r, :], in ascending order. */
  scatterAdd(
    out: Floats,
    block: Floats,
    targets: Uint32Array,
    factors: Float32Array,
    rows: number,
    nonzeros: number,
    width: number,
  ): void
  /**
   * Draws normal numbers, out (rows × count): entry (r, c) is unit·Φ⁻¹((w + ½)·2⁻³²), rounded once, with w word r mod 4 of Philox4x32-10 under `key`
   * (lowest word first) at counter (⌊r/4⌋, low word of j, high word of j, stream), j = first + c < 2^53. Integers and
   * + − × ÷ √ in a fixed order: the same bits from both kernels, on every engine. |unit| times 6.3 bounds an entry.
   */
  normalColumns(
    out: Floats,
    key: readonly [number, number],
    stream: number,
    first: number,
    rows: number,
    count: number,
    unit: number,
  ): void
  /**
   * Computes columns of `functions` nonzeros from cubics mod p = 2⁶¹ − 1, one a function, each given by its values h at four consecutive
   * keys: values[8e …], two words a value, lowest first. Entry e of key c, the c-th after the first `skip`, is
   * t = ⌊h·2·height/2⁶¹⌋: targets[c·functions + e] = e·height + ⌊t/2⌋, factors[…] = unit, or −unit where t is odd. height ≤ 2^30.
   */
  cubicEntries(
    targets: Uint32Array,
    factors: Float32Array,
    values: Uint32Array,
    skip: number,
    count: number,
    functions: number,
    height: number,
    unit: number,
  ): void
  /**
   * Adds transformed rows: out[r, :] += unit · Σ_c ±block[c, :], the sign (−1)^popcount(i & j) times the sign of j = first + c: i is index r (two
   * words, lowest first, m of them), and bit j mod 64 of a pair of `signs` words, one pair for each 64 indices touched, is set
   * for −1. Up to 64 rows cost their Walsh–Hadamard transform and one row added for each index. The same bits from both kernels.
   */
  hadamardAdd(
    out: Floats,
    block: Floats,
    first: number,
    count: number,
    width: number,
    signs: Uint32Array,
    indices: Uint32Array,
    unit: number,
  ): void
}
