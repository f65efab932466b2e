import type { AttentionStream } from '@sublinear/core'
import { referenceStream, restoreReference, type ReferenceStream } from './reference-stream'

const shape = { d: 3, dv: 2, scale: 0.5 }

export interface Mutant {
  readonly mistake: string
  /** Part of the name of the law that must reject it. */
  readonly law: string
  readonly make: () => AttentionStream
  readonly restore?: (bytes: Uint8Array) => AttentionStream
}

/** The reference stream with some members replaced. */
export function broken(
  change: (good: ReferenceStream) => Partial<AttentionStream>,
  good = referenceStream(shape),
): AttentionStream {
  const changes = change(good)
  return new Proxy<AttentionStream>(good, {
    get: (target, name) => Reflect.get(Object.hasOwn(changes, name) ? changes : target, name),
  })
}

export const mutant = (
  mistake: string,
  law: string,
  change: (good: ReferenceStream) => Partial<AttentionStream>,
): Mutant => ({
  mistake,
  law,
  make: () => broken(change),
  restore: (bytes) => broken(change, restoreReference(bytes)),
})
