import type { Matrix } from '@sublinear/core'

/** A request to a reader: to read on, and for the logits after every token, the last one, or none. */
export interface Read {
  readonly ids: ArrayLike<number>
  readonly logits: 'all' | 'last' | 'none'
}

/** An evaluation by what it reads: it yields one read after another, is given the logits of each, and returns its result. */
export type Reads<Result> = Generator<Read, Result, Matrix>

/** An evaluation on a reader that answers at once, as `reader` does. @throws as the reader */
export function readThrough<Result>(
  reads: Reads<Result>,
  run: { read(ids: ArrayLike<number>, logits: Read['logits']): Matrix },
): Result {
  let next = reads.next()
  while (!next.done) next = reads.next(run.read(next.value.ids, next.value.logits))
  return next.value
}

/** The same on one that answers later, as those of `@sublinear/onnx` do. */
export async function readThroughLater<Result>(
  reads: Reads<Result>,
  run: { read(ids: ArrayLike<number>, logits: Read['logits']): Promise<Matrix> },
): Promise<Result> {
  let next = reads.next()
  while (!next.done) next = reads.next(await run.read(next.value.ids, next.value.logits))
  return next.value
}
