import { checkInteger, checkObject, fromHalf, toHalf, type Matrix, type Given } from '@sublinear/core'
import type { CacheEntry, CacheGraph } from './cache-graph'
import { sinksAndNewest, type CachePolicy } from './cache-policy'
import { moveRows } from './compact-entry'

/** A tensor of transformers.js, as far as it is used here. */
export interface HubTensor {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: ArrayLike<number | bigint>
  readonly location?: string | undefined
  getData?(): Promise<ArrayLike<number | bigint>>
  slice(...parts: readonly (null | readonly [number, number])[]): HubTensor
  dispose?(): unknown
}

type Inputs = Readonly<Record<string, unknown>> & { readonly input_ids: HubTensor }
type Outputs = Readonly<Record<string, HubTensor>>
type Forward = (inputs: Inputs) => Promise<Outputs>

/** A model of transformers.js, whose `forward` is replaced. */
export interface HubModel {
  forward(inputs: unknown): Promise<unknown>
}

export interface BoundedCacheOptions {
  /** The use that the graph makes of its cache, as `cacheGraph` reads it. */
  readonly graph: CacheGraph
  /** Number of tokens that stay when the cache is cut. */
  readonly budget: number
  /** Policy that chooses these tokens. Default: the first four and the newest. */
  readonly policy?: CachePolicy | undefined
  /** Number of tokens that may come before it is cut again; a longer prompt is read in parts of so many tokens. Default 256. */
  readonly every?: number | undefined
}

/** The cache of one text: `generate({ …, past_key_values: cache })`. Its entries are its own properties, as in transformers.js. */
export interface BoundedCache {
  /** Number of tokens read so far: `generate` leaves these out of a longer prompt. */
  get_seq_length(): number
  update(entries: Readonly<Record<string, HubTensor>>): void
  dispose(): Promise<void>
  /** Number of tokens that each entry holds. */
  readonly held: number
  /** Bytes of keys and values that are held. */
  readonly bytes: number
}

const wrapped = new WeakSet<object>()

/**
 * Makes a cache for `generate` of transformers.js that never holds more than budget + every tokens. The model's `forward` is wrapped so that masks and places
 * fit the tokens held; calls with other caches pass through.
 * Where the graph turns keys by their place in the cache, keys that stay are turned to their new places, as in StreamingLLM: the model then knows places in the
 * cache, not in the text, and a text may go on without end. Where places are an input of the graph, they stay those of the text.
 *
 * Guarantee: while nothing was cut, `generate` gives the same as with its own cache. Logits of a prompt of more than `every` tokens are those of its last part.
 * Cost: after every `every` tokens each entry is copied once, in float32; on a GPU it is downloaded and uploaded for that.
 *
 * @throws RangeError when an option is out of range; from `generate` for more than one text at once, and when a policy does not choose as many tokens as asked
 */
export function boundedCache(model: HubModel, options: BoundedCacheOptions): BoundedCache {
  if (typeof model !== 'function') checkObject('boundedCache', model, 'model') // models of transformers.js can be called
  const { graph, budget, policy = sinksAndNewest(), every = 256 } = checkObject('boundedCache', options)
  checkInteger('boundedCache', 'budget', budget, 1)
  checkInteger('boundedCache', 'every', every, 1)
  if (!wrapped.has(model)) {
    const inner = model.forward.bind(model) as Forward
    model.forward = (inputs) => {
      const own = inputs as Inputs
      const cache = own['past_key_values']
      return cache instanceof Cache ? cache.run(inner, own) : inner(own)
    }
    wrapped.add(model)
  }
  return new Cache(graph, { budget, policy, every })
}

type Settings = Given<Pick<BoundedCacheOptions, 'budget' | 'policy' | 'every'>>

class Cache implements BoundedCache {
  readonly #graph: CacheGraph
  readonly #settings: Settings
  #seen = 0
  #isCut = false

  constructor(graph: CacheGraph, settings: Settings) {
    this.#graph = graph
    this.#settings = settings
  }

  get_seq_length(): number {
    return this.#seen
  }

  update(entries: Readonly<Record<string, HubTensor>>): void {
    const own = this.#own
    for (const [name, tensor] of Object.entries(entries)) {
      const before = own[name]
      if (before && before !== tensor && before.location === 'gpu-buffer') before.dispose?.()
      own[name] = tensor
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(Object.values(this.#own).map((tensor) => tensor.location === 'gpu-buffer' && tensor.dispose?.()))
  }

  get held(): number {
    const [[name]] = this.#graph.entries
    return this.#own[name]?.dims[2] ?? 0
  }

  get bytes(): number {
    return this.#keysAndValues().reduce((sum, { tensor: { dims, type } }) => {
      const size = type === 'float16' ? 2 : 4
      return sum + size * dims.reduce((product, count) => product * count, 1)
    }, 0)
  }

  /** Reads tokens behind those that are held, in parts. */
  async run(inner: Forward, inputs: Inputs): Promise<Outputs> {
    const { every, budget } = this.#settings
    const ids = inputs.input_ids
    const [texts, count] = ids.dims
    if (texts !== 1) throw new RangeError(`boundedCache: one text at a time, got ${texts}`)
    let from = 0
    for (;;) {
      const isWhole = !this.#isCut && this.held + count - from <= budget + every
      const most = this.#isCut && !this.#graph.inBlocks ? 1 : every
      const rows = isWhole ? count - from : Math.min(most, count - from)
      if (this.held + rows > budget + every) await this.#cut()
      const part = rows === count ? ids : ids.slice(null, [from, from + rows])
      const outputs = await inner({ ...inputs, ...this.#lengths(ids, rows), input_ids: part, past_key_values: this })
      this.#seen += rows
      from += rows
      if (from === count) return outputs // whoever asked updates the cache
      this.update(pastOf(outputs))
      if (outputs['logits']?.location === 'gpu-buffer') outputs['logits'].dispose?.()
    }
  }

  /** Makes a mask of ones, one for each token held or coming, and their places in the text. */
  #lengths(like: HubTensor, rows: number): Record<string, HubTensor> {
    const mask = longs(
      like,
      Array.from({ length: this.held + rows }, () => 1),
    )
    if (!this.#graph.takesPlaces) return { attention_mask: mask }
    const first = this.#isTurned() ? this.held : this.#seen
    return {
      attention_mask: mask,
      position_ids: longs(
        like,
        Array.from({ length: rows }, (_, i) => first + i),
      ),
    }
  }

  #isTurned(): boolean {
    return [...this.#graph.entries.values()].some(({ rotary }) => rotary)
  }

  get #own(): Record<string, HubTensor> {
    return this as unknown as Record<string, HubTensor>
  }

  #keysAndValues(): { readonly name: string; readonly entry: CacheEntry; readonly tensor: HubTensor }[] {
    return [...this.#graph.entries].flatMap(([name, entry]) => {
      const tensor = this.#own[name]
      return tensor ? [{ name, entry, tensor }] : []
    })
  }

  /** Cuts every key head to `budget` tokens; entries that are no keys or values stay. */
  async #cut(): Promise<void> {
    const { budget } = this.#settings
    const all = await Promise.all(
      this.#keysAndValues().map(async (own) => ({ ...own, data: floats(own.tensor, await dataOf(own.tensor)) })),
    )
    for (const { entry, data, tensor } of all) {
      if (!entry.isKey) continue
      const values = all.find((other) => other.entry.layer === entry.layer && !other.entry.isKey)
      if (!values) throw new RangeError(`boundedCache: layer ${entry.layer} has keys without values`)
      const [, heads, tokens, d] = tensor.dims
      const dv = values.tensor.dims[3]
      const count = Math.min(budget, tokens)
      const keysOut = new Float32Array(heads * count * d)
      const valuesOut = new Float32Array(heads * count * dv)
      for (let head = 0; head < heads; head++) {
        const keys = rowsOf(data, head, tokens, d)
        const chosen = this.#chosen(
          { layer: entry.layer, head, keys, values: rowsOf(values.data, head, tokens, dv) },
          count,
          entry,
        )
        moveRows(keysOut, data, { rows: chosen, from: head * tokens * d, to: head * count * d, width: d }, entry.rotary)
        moveRows(valuesOut, values.data, { rows: chosen, from: head * tokens * dv, to: head * count * dv, width: dv })
      }
      for (const [own, out, width] of [
        [all.find((other) => other.tensor === tensor)!, keysOut, d],
        [values, valuesOut, dv],
      ] as const)
        this.update({ [own.name]: madeLike(own.tensor, out, [1, heads, count, width]) })
    }
    this.#isCut = true
  }

  #chosen(head: Parameters<CachePolicy>[0], count: number, { window }: CacheEntry): ArrayLike<number> {
    const rows = window === undefined ? this.#settings.policy(head, count) : sinksAndNewest({ sinks: 0 })(head, count)
    let isFine = rows.length === count
    for (let i = 0; i < rows.length; i++)
      isFine &&= Number.isInteger(rows[i]) && rows[i] > (i === 0 ? -1 : rows[i - 1]) && rows[i] < head.keys.rows
    if (!isFine)
      throw new RangeError(`boundedCache: policy must choose ${count} rows below ${head.keys.rows}, ascending`)
    return rows
  }
}

const rowsOf = (data: Float32Array, head: number, rows: number, cols: number): Matrix => ({
  rows,
  cols,
  data: data.subarray(head * rows * cols, (head + 1) * rows * cols),
})

/** Renames a session's outputs `present…` to the names of its inputs `past…`, as transformers.js does. */
function pastOf(outputs: Outputs): Record<string, HubTensor> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, tensor]) =>
      name.startsWith('present')
        ? [[name.replace(/^present_/, 'past_').replace(/^present/, 'past_key_values'), tensor]]
        : [],
    ),
  )
}

async function dataOf(tensor: HubTensor): Promise<ArrayLike<number | bigint>> {
  return tensor.location === undefined || tensor.location === 'cpu' ? tensor.data : tensor.getData!()
}

function floats({ type }: HubTensor, data: ArrayLike<number | bigint>): Float32Array {
  if (type === 'float32') return data as unknown as Float32Array
  if (type !== 'float16') throw new RangeError(`boundedCache: a cache of ${type} is not supported`)
  const { buffer, byteOffset, length } = data as unknown as Uint16Array // or Float16Array: the same bits
  return fromHalf(new Uint16Array(buffer as ArrayBuffer, byteOffset, length))
}

type MakeTensor = new (type: string, data: unknown, dims: readonly number[]) => HubTensor

function madeLike(tensor: HubTensor, data: Float32Array, dims: readonly number[]): HubTensor {
  const Made = tensor.constructor as MakeTensor
  return new Made(tensor.type, tensor.type === 'float16' ? toHalf(data) : data, dims)
}

function longs(like: HubTensor, values: readonly number[]): HubTensor {
  return new (like.constructor as MakeTensor)('int64', BigInt64Array.from(values, BigInt), [1, values.length])
}
