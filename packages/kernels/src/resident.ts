import type { Doubles, Floats, Resident } from './kernels'

export type Entries = Float32Array | Float64Array | Uint8Array

/** One allocation, shared by an array and its ranges. */
export interface Block {
  readonly home: 'simd' | 'scalar'
  /** Byte at which it begins in the memory of its home. */
  readonly offset: number
  /** A view of `count` entries from `from` on, valid until memory grows. */
  view(from: number, count: number): Entries
  release(): void
  open: boolean
}

/** The array that owns a block. */
export function resident<A extends Entries>(block: Block, length: number): Resident<A> {
  installDispose()
  return new Held<A>(block, 0, length, true) as unknown as Resident<A>
}

/** The byte at which an operand's first entry lies, in the memory of its home. */
export function residentOffset(
  home: Block['home'],
  operand: Floats | Doubles | Resident<Uint8Array>,
  bytesPerEntry: 1 | 4 | 8,
): number {
  return Held.block(home, operand).offset + Held.start(operand) * bytesPerEntry
}

/** The entries of an operand of the scalar kernels. */
export function residentView(home: Block['home'], operand: Floats | Doubles | Resident<Uint8Array>): Entries {
  return Held.block(home, operand).view(Held.start(operand), operand.length)
}

/** Whether a value is an array of the kernels. */
export function isResident(value: unknown): value is Resident<Float32Array> | Resident<Float64Array> {
  return value instanceof Held
}

/** Entries from … from + count − 1 of either kind of array, in the same memory. */
export function rangeOf<A extends Floats | Doubles>(operand: A, from: number, count: number): A {
  return (ArrayBuffer.isView(operand) ? operand.subarray(from, from + count) : operand.range(from, count)) as A
}

/** Symbol by which arrays made by another copy of this package are recognised. */
const BRAND = Symbol.for('@sublinear/kernels/resident')

class Held<A extends Entries> {
  readonly [BRAND] = true
  readonly length: number
  readonly #block: Block
  readonly #from: number
  readonly #owner: boolean
  #open = true

  constructor(block: Block, from: number, length: number, owner: boolean) {
    this.#block = block
    this.#from = from
    this.#owner = owner
    this.length = length
  }

  static block(home: Block['home'], operand: object): Block {
    if (!(#block in operand) || operand.#block.home !== home) {
      if (!(#block in operand) && BRAND in operand)
        throw new TypeError(
          'kernels: two copies of @sublinear/kernels are loaded, by import and require or in two versions, and an operand lies in the memory of the other',
        )
      throw new TypeError(`kernels: an operand is neither a typed array nor a resident array of the ${home} kernels`)
    }
    operand.#check()
    return operand.#block
  }

  static start(operand: object): number {
    return #block in operand ? operand.#from : 0
  }

  range(from: number, count: number): Held<A> {
    this.#check()
    if (!(from >= 0 && count >= 0 && from + count <= this.length)) {
      throw new RangeError(`kernels: range ${from} + ${count} outside a resident array of ${this.length}`)
    }
    return new Held<A>(this.#block, this.#from + from, count, false)
  }

  read(): A {
    return this.#view().slice() as A
  }

  readInto(out: A): void {
    out.set(this.#view())
  }

  write(values: A | Held<A>, at = 0): void {
    if (!(values instanceof Held)) return this.#view().set(values, at)
    values.#view() // a parked array is brought back before a view of the other array is taken, since memory may grow
    this.#view().set(values.#view(), at)
  }

  copyRows(from: Held<A>, stride: number, picked: readonly number[], places?: readonly number[]): void {
    from.#view() // brought back first, as in `write`
    const [to, source] = [this.#view(), from.#view()]
    for (let i = 0; i < picked.length; i++) {
      for (let at = picked[i] * stride, out = (places ? places[i] : i) * stride, end = at + stride; at < end;)
        to[out++] = source[at++]
    }
  }

  fill(value: number): void {
    this.#view().fill(value)
  }

  /** Ends the array, as [Symbol.dispose] does. The owner frees the memory; a range only ends itself. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    if (this.#owner) {
      this.#block.open = false
      this.#block.release()
    }
  }

  #check(): void {
    if (!this.#open || !this.#block.open) throw new TypeError('kernels: this resident array was disposed')
  }

  #view(): A {
    this.#check()
    return this.#block.view(this.#from, this.length) as A
  }
}

/** Installs [Symbol.dispose] at first use and not when the class is defined: importing the package then changes nothing, also where the symbol is missing. */
export function installDispose(): void {
  if (Symbol.dispose in Held.prototype) return
  if (!Symbol.dispose) Object.defineProperty(Symbol, 'dispose', { value: Symbol('Symbol.dispose') })
  Object.defineProperty(Held.prototype, Symbol.dispose, { value: Held.prototype.close, configurable: true })
}
