import type { Matrix } from '@sublinear/core'

/** A request to a reader: tokens to read, and whether the logits after every token, after the last or none are wanted. */
export interface Read {
  readonly ids: ArrayLike<number>
  readonly logits: 'all' | 'last' | 'none'
}

/** An evaluation as a sequence of reads: it yields one read after another, gets the logits of each, and returns its result. */
export type Reads<Result> = Generator<Read, Result, Matrix>

/** Runs an evaluation on a reader that answers at once, as `reader` does. @throws as the reader does */
export function readThrough<Result>(
  reads: Reads<Result>,
  run: { read(ids: ArrayLike<number>, logits: Read['logits']): Matrix },
): Result {
  let next = reads.next()
  while (!next.done) next = reads.next(run.read(next.value.ids, next.value.logits))
  return next.value
}

/** Runs an evaluation on a reader that answers later, as those of `@sublinear/onnx` do. */
export async function readThroughLater<Result>(
  reads: Reads<Result>,
  run: { read(ids: ArrayLike<number>, logits: Read['logits']): Promise<Matrix> },
): Promise<Result> {
  let next = reads.next()
  while (!next.done) next = reads.next(await run.read(next.value.ids, next.value.logits))
  return next.value
}
