/** Fills `into` with the bytes from `position` on, or throws. */
export type Fill = (what: string, position: number, into: Uint8Array) => Promise<Uint8Array>

/** Something to read from; closing it is no harm to others. */
export interface Reader {
  readonly fill: Fill
  close(): Promise<void>
}

/** The inflated bytes of a raw deflate stream, a piece at a time; throws anything where they are not whole, or where bytes follow. */
export type Inflate = (packed: () => AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void, undefined>

/** A file, wherever it lies. */
export interface Source {
  /** Name without an index; its ending names the format, else the first bytes do. */
  readonly name: string
  readonly size: number
  readonly fill: Fill
  readonly inflate: Inflate
}

/** `length` bytes from `position` on, in memory of their own. */
export function fresh(fill: Fill, what: string, position: number, length: number): Promise<Uint8Array> {
  return fill(what, position, new Uint8Array(length))
}

/** @returns a RangeError that says where a file ends before what is asked of it */
export function endedEarly(what: string, expected: number, found: number): RangeError {
  return new RangeError(
    `${what} at byte ${found}: expected a file of at least ${expected} bytes, found its end (did it shrink?)`,
  )
}
