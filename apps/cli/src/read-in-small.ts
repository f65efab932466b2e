import { exactStream } from '@sublinear/attention'
import type { Method, Pilot } from '@sublinear/core'
import { capture, readText, specOf, type HeadSpec, type LanguageModel, type Reading } from '@sublinear/small-lm'
import { openModel } from './models'
import type { Sized, SizeFlags, Sizing } from './sizing'

/** Options of `read` for the model and its streams. */
export interface ReadFlags extends SizeFlags {
  readonly model: string
  readonly file?: string
  readonly threads?: number
  readonly recipes?: string | true
}

/** A text, and the options by which it is read. */
export interface ToRead {
  readonly method: Method
  readonly sizeOf: Sizing
  readonly text: AsyncGenerator<Uint8Array>
  /** Number of tokens to come; Infinity where it is not known. */
  readonly coming: number
  readonly options: ReadFlags
}

/** A reading that has begun. */
export interface Started extends AsyncDisposable {
  readonly readings: AsyncIterable<Reading>
  readonly stream: string
  readonly details: Sized['details']
  readonly trainedContext: number
  readonly isUnrotated: boolean
}

/** Begins to read with one of the models that come with the command. */
export async function readInSmall({ method, sizeOf, text, coming, options }: ToRead): Promise<Started> {
  const model = openModel(options.model)
  const { first, whole } = await firstBytes(text, method.learns === 'pilot' ? options.pilot : 0)
  const pilots = first && pilotsFrom(model, first, options.pilot)
  const sized = sizedHeads(model, sizeOf, coming, pilots)
  const stream = headsOf(model, method, sized)
  return {
    readings: readText({ model, stream, source: whole }),
    stream: method.name,
    details: sized[0].details,
    trainedContext: model.config.trainedContext,
    isUnrotated: Boolean(stream.unrotated),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** Reads the bytes of a text's first tokens, which are then read twice; none where no rows are wanted. */
export async function firstBytes(
  source: AsyncGenerator<Uint8Array>,
  rows: number,
): Promise<{ readonly first?: Uint8Array; readonly whole: AsyncIterable<Uint8Array> }> {
  if (rows === 0) return { whole: source }
  const first: Uint8Array[] = []
  let size = 0
  while (size < rows * MOST_BYTES) {
    const { done, value } = await source.next()
    if (done) break
    first.push(value)
    size += value.length
  }
  return { first: Buffer.concat(first).subarray(0, rows * MOST_BYTES), whole: chained(first, source) }
}

/** Makes pilots of every head, layer by layer. */
function pilotsFrom(model: LanguageModel, first: Uint8Array, rows: number): readonly Pilot[] {
  const { bos, encode } = model.tokenizer
  return capture({ model, stream: exactStream, ids: [bos, ...encode(first)].slice(0, rows) })
}

/** Chooses options of every head, layer by layer. */
function sizedHeads(
  { config: { layers, heads, d } }: LanguageModel,
  sizeOf: Sizing,
  tokens: number,
  pilots?: readonly Pilot[],
): Sized[] {
  const shape = { d, dv: d, scale: 1 / Math.sqrt(d) }
  return Array.from({ length: layers * heads }, (_, i) => {
    const place = { layer: Math.floor(i / heads), layers, head: i % heads, heads }
    return sizeOf(shape, { tokens, place }, pilots?.[i])
  })
}

function headsOf({ config: { heads } }: LanguageModel, method: Method, sized: readonly Sized[]): HeadSpec {
  return specOf(method, (layer, head) => sized[layer * heads + head].options)
}

/** Most bytes that a token of prose stands for, with rare exceptions. */
const MOST_BYTES = 8

async function* chained(first: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* first
  yield* rest
}
