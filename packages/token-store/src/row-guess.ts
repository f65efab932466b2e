import { MOST_CODE } from './row-coder'

/** Parts of 1 in which a mean is held. */
const MEAN = 16
/** Parts of 1 in which a link is held. */
export const LINK = 64
/** The shift by which means follow as long as nothing is known. */
export const UNLEARNT = 3
/** How fast means follow the first rows of a block: shifts. */
const MEAN_SHIFTS = [0, 1, 2, 2]

/** How the codes of a row are guessed from the rows before and from the coordinates before. */
export interface Guesses {
  /** Means of the codes of every coordinate, with which a block begins. */
  readonly mean: Int16Array
  /** For every coordinate: 0 where its mean stays, else the shift by which it follows the rows. */
  readonly follow: Uint8Array
  /** For every coordinate, the power of 2 that its distances from the mean are near. */
  readonly power: Uint8Array
  /**
   * For every coordinate c, c numbers: what a distance of 1 of an earlier coordinate adds to it, each in its own power of 2, in parts of 1/64;
   * undefined where no earlier coordinate says enough.
   */
  readonly links: readonly (Int8Array | undefined)[]
}

/** Guesses that know nothing yet: means follow, and nothing is linked. */
export function blankGuesses(width: number): Guesses {
  return {
    mean: new Int16Array(width),
    follow: new Uint8Array(width).fill(UNLEARNT),
    power: new Uint8Array(width),
    links: Array.from({ length: width }, () => undefined),
  }
}

/** Guesses the codes of rows, coordinate by coordinate. `take` must follow every `next`, in the order of the coordinates. */
export interface RowGuess {
  /** Begins a block. */
  begin(by: Guesses): void
  /** The guess for coordinate c, an integer of at most MOST_CODE in magnitude. */
  next(c: number): number
  /** Takes the code of coordinate c of row r of the block. */
  take(c: number, code: number, r: number): void
  /** Distances of the codes of this row from their means, in their powers of 2. */
  readonly off: Float64Array
}

/**
 * Makes a guesser of rows of codes. A guess is the mean of the coordinate, which stays or follows the rows, and a linear function of the distances of
 * the earlier coordinates of the row from theirs.
 * Source: not from the papers; linear prediction of a coordinate by those before it is the triangular form of a decorrelating basis, and leaves codes as they are.
 *
 * Guarantee: + − × and powers of 2 alone on integers below 2^53: the same guesses on every engine.
 */
export function rowGuess(width: number): RowGuess {
  const mean = new Int32Array(width)
  const off = new Float64Array(width)
  const unit = new Float64Array(width)
  let by = blankGuesses(width)
  return {
    off,
    begin(own) {
      by = own
      for (let c = 0; c < width; c++) {
        mean[c] = own.mean[c] * MEAN
        unit[c] = 2 ** own.power[c]
      }
    },
    next(c) {
      const centre = (mean[c] + MEAN / 2) >> 4
      const links = by.links[c]
      if (!links) return centre
      let sum = 0
      for (let j = 0; j < c; j++) sum += links[j] * off[j]
      const guess = centre + Math.floor((sum * unit[c]) / LINK + 0.5)
      return guess > MOST_CODE ? MOST_CODE : guess < -MOST_CODE ? -MOST_CODE : guess
    },
    take(c, code, r) {
      off[c] = (code - ((mean[c] + MEAN / 2) >> 4)) / unit[c]
      const shift = by.follow[c]
      if (shift > 0) mean[c] += (code * MEAN - mean[c]) >> (r < 4 ? MEAN_SHIFTS[r] : shift)
    },
  }
}
