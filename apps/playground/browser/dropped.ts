import { encodeNpy } from '@sublinear/io'
import { HOSTILE, HOSTILE_ARCHIVES } from '../../../packages/io/test/hostile-files.ts'

/** Files that are refused whatever place is asked for. */
export function hostile() {
  return [...HOSTILE.filter(({ index, says }) => !index && says !== 'of three axes'), ...HOSTILE_ARCHIVES]
}

/** A .npy file of waves. */
export function npyFile(name: string, rows: number, cols: number, salt: number) {
  const data = Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i * i * salt))
  return { name, mimeType: '', buffer: Buffer.from(encodeNpy({ shape: [rows, cols], data })) }
}
