import { checkFits, checkKeys, checkValues, tensorsIn, type State } from '@sublinear/core'
import { rotation, type Rotation } from './rotation'
import { vectorCodec, type VectorCodec } from './vector-codec'

/** Means that are taken away from every key and value before it is turned and coded. */
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
  /** Bytes of a coded token. */
  readonly bytes: number
  /** @throws RangeError when the snapshot has none that fit */
  centresIn(kind: string, snapshot: State): Centres
  /** The rows of a snapshot, at most `most`. @throws RangeError when they are none */
  rowsIn(kind: string, snapshot: State, most: number): Uint8Array
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
    centresIn(kind, snapshot) {
      const { keyCentre, valueCentre } = tensorsIn(kind, snapshot, { keyCentre: ['F32', d], valueCentre: ['F32', dv] })
      checkKeys(kind, 'keyCentre', { rows: 1, cols: d, data: keyCentre })
      checkValues(kind, 'valueCentre', { rows: 1, cols: dv, data: valueCentre })
      return { keyCentre: keyCentre.slice(), valueCentre: valueCentre.slice() }
    },
    rowsIn(kind, snapshot, most) {
      const { codes } = tensorsIn(kind, snapshot, { codes: ['U8'] })
      checkFits(kind, codes.length % bytes === 0 && codes.length / bytes <= most)
      for (let at = 0; at < codes.length; at += bytes) {
        checkFits(kind, keys.isSound(codes, at, LARGEST_KEY) && values.isSound(codes, at + keys.bytes, LARGEST_VALUE))
      }
      return codes
    },
  }
}
