import type { AttentionStream } from './contracts'
import { isHeld, type HeldTensor } from './held-tensor'
import type { Saved } from './inside'
import type { Tensor } from './safetensors'
import type { State } from './snapshot'

type Parts = Readonly<Record<string, AttentionStream>>

/** Tensors for a fork. Arrays are copied, since they may be the stream's own; a tensor in the kernels' memory is copied by its new owner. */
export function copiesOf(tensors: Saved['tensors']): State['tensors'] {
  const copies = new Map<string, Tensor | HeldTensor>()
  for (const name in tensors) {
    const tensor = tensors[name]
    copies.set(name, isHeld(tensor) ? tensor : { ...tensor, data: tensor.data.slice() })
  }
  return copies
}

/**
 * Copies of the streams within a stream, by name.
 *
 * @throws TypeError when one cannot be forked, before any is
 */
export function forkedParts(who: string, parts: Parts): Parts {
  checkParts(who, 'fork', parts)
  const copies: Record<string, AttentionStream> = {}
  try {
    for (const [name, part] of Object.entries(parts)) copies[name] = part.fork()
  } catch (error) {
    disposeAll(copies)
    throw error
  }
  return copies
}

/** Advice for whoever wrote a stream that lacks a member, by the call that needs it. */
const REMEDIES = {
  fork: 'a function fork() that returns a stream which goes on from there',
  reset: 'a function reset() after which it is as it was made',
} as const

/**
 * Checks that every part can be forked or reset.
 *
 * @throws TypeError when one cannot; the message says what to add to it
 */
export function checkParts(who: string, call: 'fork' | 'reset', parts: Parts): void {
  for (const [name, part] of Object.entries(parts)) {
    if (typeof (part as Partial<AttentionStream>)[call] !== 'function')
      throw new TypeError(`${who}: ${name} has no ${call}(), give it ${REMEDIES[call]}`)
  }
}

export function disposeAll(parts: Parts): void {
  for (const part of Object.values(parts) as Partial<Disposable>[]) part[Symbol.dispose]?.()
}
