import { float32 } from './held-tokens'
import { CODES_VERSION, quantised } from './quantised'
import type { TokenStore } from './token-store'

/**
 * Makes the store that a `spec` names.
 *
 * @throws RangeError when it names no known store
 */
export function openStore(kind: string, spec: string | undefined): TokenStore {
  const options = described(spec)
  if (options?.['kind'] === 'float32') return float32
  if (options?.['kind'] === 'quantised') {
    const { version = 1, keyBits, valueBits, seed, first, dither } = options
    if (version !== CODES_VERSION)
      throw new RangeError(
        `${kind}: the snapshot has codes of version ${String(version)}, this reads version ${CODES_VERSION}`,
      )
    if (isSeed(seed) && (dither === undefined || isSeed(dither))) {
      const bits = { keyBits: Number(keyBits), valueBits: Number(valueBits), seed: BigInt(seed) }
      return quantised({
        ...bits,
        ...(first !== undefined && { first: Number(first) }),
        ...(dither !== undefined && { dither: BigInt(dither) }),
      })
    }
  }
  throw new RangeError(`${kind}: the snapshot names no known store, got ${spec}`)
}

const isSeed = (text: unknown): text is string => typeof text === 'string' && /^\d{1,20}$/.test(text)

function described(spec: string | undefined): Record<string, unknown> | undefined {
  try {
    const found: unknown = JSON.parse(spec ?? '')
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
