/** Symbols of a table: sizes 0 … 30, and one for all larger sizes. */
export const SIZES = 32
/** Shares of a table, 2^SHARE_BITS in all. */
const WHOLE = 4096
/** Parts of 1 in which a mean size is held. */
export const UNIT = 64
/** Classes a doubling of the mean size. */
const STEPS = 4
/** The class of a mean size of 8, the largest whose sizes are all in a table. */
const TOP = 36
/** Degrees of freedom of the Student distribution, and the power of (1 + x²/ν) that belongs to them. */
const [FREEDOM, POWER] = [7, 4]
/** Parts of a step by which a density is summed, and the number of steps up to which it is summed. */
const [PARTS, REACH] = [4, 256]

/** Shares of the sizes of residuals by class: `low[class · 33 + size]` and the size at each place of 2^12. */
export interface ResidualTables {
  readonly low: Uint16Array
  readonly size: Uint8Array
  /** Classes of the means 0 … 4095. */
  readonly classes: Uint8Array
}

/**
 * The class of a mean size, given in parts of 1/64: four classes a doubling, and 0 for the smallest.
 * Above 36 a size is coded without its lowest bits, one fewer every four classes.
 *
 * @param classes  those of the tables
 */
export function classOf(mean: number, classes: Uint8Array): number {
  if (mean < 4096) return classes[mean]
  const up = 20 - Math.clz32(mean) // mean >> up is below 4096
  return classes[mean >> up] + STEPS * up
}

/** Bits that a class leaves out of its sizes. */
export function lowBitsOf(kind: number): number {
  return kind <= TOP ? 0 : (kind - TOP + STEPS - 1) >> 2
}

/** The table of a class with so many bits left out. Tables for classes whose middle has no zero stand behind the others. */
export function tableOf(kind: number, lowBits: number): number {
  return lowBits === 0 ? kind : kind - STEPS * (lowBits - 1) // TOP + 1 … TOP + 4
}

let made: ResidualTables | undefined

/**
 * Makes tables of the sizes of residuals, by their mean size: a Student distribution of seven degrees of freedom over integers, whose scale gives the mean.
 * Source: not from the papers. A mean of few residuals has an error of its own, so residuals have longer tails than a Gaussian.
 *
 * Guarantee: + − × ÷ √ alone, so the same integers on every engine; no share is 0, and those of a class sum to 2^12.
 * Cost: some milliseconds once in a process, and 170 kB.
 */
export function residualTables(): ResidualTables {
  if (made) return made
  const count = TOP + 1 + STEPS
  const low = new Uint16Array(count * (SIZES + 1))
  const size = new Uint8Array(count * WHOLE)
  const root = Math.sqrt(Math.sqrt(2))
  let mean = 1 / UNIT
  for (let kind = 0; kind < count; kind++) {
    const isWhole = kind <= TOP
    // Tables behind the others are for halved sizes: again for means of 4.76 … 8.
    fill(low, size, kind, sharesOf(isWhole ? mean : mean / 2, isWhole))
    mean *= root
  }
  made = { low, size, classes: smallClasses() }
  return made
}

/** Classes of the means 0 … 4095: the class whose middle is nearest as a ratio. */
function smallClasses(): Uint8Array {
  const out = new Uint8Array(4096)
  const root = Math.sqrt(Math.sqrt(2))
  const half = Math.sqrt(root)
  for (let mean = 2, kind = 0, level = 1; mean < out.length; mean++) {
    while (mean >= level * half) {
      level *= root
      kind++
    }
    out[mean] = kind
  }
  return out
}

function fill(low: Uint16Array, size: Uint8Array, kind: number, shares: Float64Array): void {
  const whole = Uint16Array.from(shares, (share) => 1 + Math.floor(share * (WHOLE - SIZES)))
  const most = whole.indexOf(whole.reduce((a, b) => Math.max(a, b), 0))
  whole[most] += WHOLE - whole.reduce((a, b) => a + b, 0)
  for (let i = 0, at = 0; i < SIZES; i++) {
    low[kind * (SIZES + 1) + i] = at
    size.fill(i, kind * WHOLE + at, kind * WHOLE + at + whole[i])
    at += whole[i]
    low[kind * (SIZES + 1) + i + 1] = at
  }
}

/** Shares of sizes with this mean: over integers where zero is one of them, else over the intervals between integers. */
function sharesOf(mean: number, isWhole: boolean): Float64Array {
  let [narrow, wide] = [mean / 64, 4 * mean + 1]
  let shares: Float64Array = new Float64Array(SIZES)
  for (let i = 0; i < 24; i++) {
    const scale = (narrow + wide) / 2
    const found = bins(scale, isWhole)
    shares = found.shares
    if (found.mean < mean) narrow = scale
    else wide = scale
  }
  return shares
}

function bins(scale: number, isWhole: boolean): { readonly shares: Float64Array; readonly mean: number } {
  const shares = new Float64Array(SIZES)
  let [total, sum] = [0, 0]
  for (let i = 0; i < REACH * PARTS; i++) {
    const x = (i + 0.5) / PARTS
    const density = 1 / (1 + (x / scale) ** 2 / FREEDOM) ** POWER
    const own = isWhole ? Math.floor(x + 0.5) : Math.floor(x)
    shares[Math.min(SIZES - 1, own)] += density
    total += density
    sum += density * (isWhole ? own : x)
  }
  return { shares: shares.map((share) => share / total), mean: sum / total }
}
