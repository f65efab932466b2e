import { checkFits, checkKeys, checkValues, tensorsIn, type State, readAnew } from '@sublinear/core'
import { rotation, type Rotation } from './rotation'
import { vectorCodec, type VectorCodec } from './vector-codec'

const made = readAnew<TokenCoder, 'turnKeys' | 'turnValues'>()

/** Means that are subtracted from every key and value before it is turned and coded. */
export interface Centres {
  readonly keyCentre: Float32Array // d
  readonly valueCentre: Float32Array // dv
}

/** Turns tokens into rows of bytes: step and codes of the key, then those of the value. */
export interface TokenCoder {
  readonly keys: VectorCodec
  readonly values: VectorCodec
  readonly turnKeys: Rotation
  readonly turnValues: Rotation
  /** Bytes of a coded token. */
  readonly bytes: number
  /** Reads the centres from a snapshot. @throws RangeError when it has none that fit */
  centresIn(kind: string, snapshot: State): Centres
  /** Reads the rows from a snapshot, at most `most`. @throws RangeError when they are malformed */
  rowsIn(kind: string, snapshot: State, most: number): Uint8Array
}

export interface TokenCoderOptions {
  readonly d: number
  readonly dv: number
  readonly keyBits: number
  readonly valueBits: number
  readonly seed: bigint
}

/** Bounds on the coordinates of keys and values that push accepts, once they are centred and turned. */
const LARGEST_KEY = 2 ** 60
const LARGEST_VALUE = 2 ** 74

export function tokenCoder({ d, dv, keyBits, valueBits, seed }: TokenCoderOptions): TokenCoder {
  const keys = vectorCodec({ width: d, bits: keyBits })
  const values = vectorCodec({ width: dv, bits: valueBits })
  const bytes = keys.bytes + values.bytes
  /** Made with the first token, since a snapshot without tokens can name any width. */
  let turnKeys: Rotation | undefined
  let turnValues: Rotation | undefined
  return made(
    {
      turnKeys: () => (turnKeys ??= rotation({ width: d, seed, index: 0 })),
      turnValues: () => (turnValues ??= rotation({ width: dv, seed, index: 1 })),
    },
    {
      keys,
      values,
      bytes,
      centresIn(kind, snapshot) {
        const centres = tensorsIn(kind, snapshot, { keyCentre: ['F32', d], valueCentre: ['F32', dv] })
        if (snapshot.isSound) return centres
        const { keyCentre, valueCentre } = centres
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
    },
  )
}
