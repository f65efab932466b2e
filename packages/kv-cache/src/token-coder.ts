import { checkKeys, checkValues, type Snapshot } from '@sublinear/core'
import { rotation, type Rotation } from './rotation'
import { vectorCodec, type VectorCodec } from './vector-codec'

/** What is taken away from every key and value before it is turned and coded. */
export interface Centres {
  readonly keyCentre: Float32Array // d
  readonly valueCentre: Float32Array // dv
}

/** How a token becomes a row of bytes: the step and codes of its key, then those of its value. */
export interface TokenCoder {
  readonly keys: VectorCodec
  readonly values: VectorCodec
  readonly turnKeys: Rotation
  readonly turnValues: Rotation
  /** A token. */
  readonly bytes: number
  /** @throws RangeError when the snapshot has none that fit */
  centresIn(kind: string, snapshot: Snapshot): Centres
  /** The rows of a snapshot, at most `most`. @throws RangeError when they are none */
  rowsIn(kind: string, snapshot: Snapshot, most: number): Uint8Array
}

export interface TokenCoderOptions {
  readonly d: number
  readonly dv: number
  readonly keyBits: number
  readonly valueBits: number
  readonly seed: bigint
}

/** No coordinate of a key or value that push accepts reaches these, centred and turned. */
const LARGEST_KEY = 2 ** 60
const LARGEST_VALUE = 2 ** 74

export function tokenCoder({ d, dv, keyBits, valueBits, seed }: TokenCoderOptions): TokenCoder {
  const keys = vectorCodec({ width: d, bits: keyBits })
  const values = vectorCodec({ width: dv, bits: valueBits })
  const bytes = keys.bytes + values.bytes
  /** Made with the first token: a snapshot without tokens can name any width. */
  let turnKeys: Rotation | undefined
  let turnValues: Rotation | undefined
  return {
    keys,
    values,
    bytes,
    get turnKeys() {
      return (turnKeys ??= rotation({ width: d, seed, index: 0 }))
    },
    get turnValues() {
      return (turnValues ??= rotation({ width: dv, seed, index: 1 }))
    },
    centresIn(kind, { tensors }) {
      const centre = (name: string, width: number, check: typeof checkKeys): Float32Array => {
        const data = tensors.get(name)?.data
        if (!(data instanceof Float32Array) || data.length !== width) return refuse(kind)
        check(kind, name, { rows: 1, cols: width, data })
        return data.slice()
      }
      return { keyCentre: centre('keyCentre', d, checkKeys), valueCentre: centre('valueCentre', dv, checkValues) }
    },
    rowsIn(kind, { tensors }, most) {
      const rows = tensors.get('codes')?.data
      if (!(rows instanceof Uint8Array) || rows.length % bytes !== 0 || rows.length / bytes > most) return refuse(kind)
      for (let at = 0; at < rows.length; at += bytes) {
        if (!keys.isSound(rows, at, LARGEST_KEY) || !values.isSound(rows, at + keys.bytes, LARGEST_VALUE)) refuse(kind)
      }
      return rows
    },
  }
}

function refuse(kind: string): never {
  throw new RangeError(`${kind}: the tensors of the snapshot do not fit its parameters`)
}
