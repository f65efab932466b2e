import { amsSketch } from '@sublinear/ams-sketch'
import { catalogue, openStream } from '@sublinear/attention'
import { restoreSketch, sketch, type Method, type SketchMatrix } from '@sublinear/core'
import { gaussianSketch } from '@sublinear/gaussian-sketch'
import { frequentItems, heavyHitters, restoreFrequentItems, restoreHeavyHitters } from '@sublinear/sparse-recovery'
import { countSketch, osnap, srht } from '@sublinear/sparse-sketch'
import { countBlock } from './count-block'
import type { SketchSpec, SummarySpec } from './plan'
import type { RowBlock } from './row-block'

/** A summary of a shard: takes rows, gives bytes, and joins the bytes of later parts. */
export interface Summary {
  /** Pushes rows of the source, from row `first` on. */
  push(block: RowBlock, first: number): void
  merge(later: Uint8Array): void
  toBytes(): Uint8Array
  dispose(): void
}

/** Makes the summary of a plan, empty or from bytes; `open` gives the object itself. */
export interface SummaryKind {
  /** Arrays that its rows have. */
  readonly takes: 'keys and values' | 'rows' | 'counts'
  readonly merging: 'linear' | 'ordered' | 'none'
  make(): Summary
  restore(bytes: Uint8Array): Summary
  open(bytes: Uint8Array): unknown
}

/**
 * The kind of summary that a plan names.
 *
 * @throws TypeError, RangeError when a name is unknown or options are out of range; Error when the module of a method cannot be loaded
 */
export async function summaryKind(spec: Exclude<SummarySpec, { readonly ask: unknown }>): Promise<SummaryKind> {
  if ('method' in spec) return methodKind(await methodOf(spec.method), spec.method)
  if ('sketch' in spec) return sketchKind(spec.sketch)
  return counterKind(spec.counter)
}

/** A method by its name in the catalogue, or the default export of its module. */
export async function methodOf({
  name,
  module,
}: {
  readonly name: string
  readonly module?: string | undefined
}): Promise<Method> {
  if (module !== undefined) {
    const own = ((await import(module)) as { default?: Method | undefined }).default
    if (own?.name !== name) throw new TypeError(`shardPlan: ${module} must export the method ${name}, as its default`)
    return own
  }
  const found = catalogue.find((method) => method.name === name)
  if (found) return found
  throw new RangeError(
    `shardPlan: there is no method ${JSON.stringify(name)}, known: ${catalogue.map((one) => one.name).join(', ')}`,
  )
}

type MethodPart = Extract<SummarySpec, { readonly method: unknown }>['method']

function methodKind(method: Method, { shape, options }: MethodPart): SummaryKind {
  const known = [method, ...catalogue.filter(({ name }) => name !== method.name)]
  const make = () => method.make(shape, options)
  const open = (bytes: Uint8Array) => openStream(bytes, known)
  using empty = make()
  const live = (stream: ReturnType<typeof open>): Summary => ({
    push: (block) => {
      if (!('values' in block)) throw new TypeError('cluster: a method takes blocks of keys and values')
      stream.push(block)
    },
    merge: (later) => stream.merge({ toBytes: () => later }),
    toBytes: () => stream.toBytes(),
    dispose: () => stream[Symbol.dispose](),
  })
  return {
    takes: 'keys and values',
    merging: empty.merging,
    make: () => live(make()),
    restore: (bytes) => live(open(bytes)),
    open,
  }
}

type SketchPart = Extract<SummarySpec, { readonly sketch: unknown }>['sketch']

function matrixOf({ kind, m, seed: text, nonzeros, n }: SketchPart): SketchMatrix {
  const seed = BigInt(text)
  const makers: Record<SketchSpec['kind'], () => SketchMatrix> = {
    ams: () => amsSketch({ m, seed }),
    countSketch: () => countSketch({ m, seed }),
    gaussian: () => gaussianSketch({ m, seed }),
    osnap: () => osnap({ m, nonzeros: nonzeros!, seed }),
    srht: () => srht({ m, n: n!, seed }),
  }
  if (!Object.hasOwn(makers, kind))
    throw new RangeError(
      `shardPlan: there is no sketch ${JSON.stringify(kind)}, known: ${Object.keys(makers).join(', ')}`,
    )
  return makers[kind]()
}

function sketchKind(spec: SketchPart): SummaryKind {
  const psi = matrixOf(spec)
  const { width, precision } = spec
  const make = () => sketch(psi, width, precision && { precision })
  make()[Symbol.dispose]()
  const live = (state: ReturnType<typeof make>): Summary => ({
    push(block, first) {
      if (!('data' in block)) throw new TypeError('cluster: a sketch takes blocks of rows')
      state.push(block, first)
    },
    merge(later) {
      using other = restoreSketch(psi, later)
      state.merge(other)
    },
    toBytes: () => state.toBytes(),
    dispose: () => state[Symbol.dispose](),
  })
  return {
    takes: 'rows',
    merging: 'linear',
    make: () => live(make()),
    restore: (bytes) => live(restoreSketch(psi, bytes)),
    open: (bytes) => restoreSketch(psi, bytes),
  }
}

type CounterPart = Extract<SummarySpec, { readonly counter: unknown }>['counter']

const dispose = () => {}

function counterKind(spec: CounterPart): SummaryKind {
  if (spec.kind === 'heavyHitters') {
    const { kind: _, seed, ...options } = spec
    const make = () => heavyHitters({ ...options, seed: BigInt(seed) })
    make()
    const live = (state: ReturnType<typeof make>): Summary => ({
      push: (block) => countBlock(block, (key, change) => state.update(key, change)),
      merge: (later) => state.merge(restoreHeavyHitters(later)),
      toBytes: () => state.toBytes(),
      dispose,
    })
    const open = restoreHeavyHitters
    return {
      takes: 'counts',
      merging: 'linear',
      make: () => live(make()),
      restore: (bytes) => live(open(bytes)),
      open,
    }
  }
  if (spec.kind !== 'frequentItems')
    throw new RangeError(
      `shardPlan: there is no counter ${JSON.stringify((spec as { kind: string }).kind)}, known: heavyHitters, frequentItems`,
    )
  const { kind: _, ...options } = spec
  const make = () => frequentItems(options)
  make()
  const live = (state: ReturnType<typeof make>): Summary => ({
    push: (block) => countBlock(block, (key, weight) => state.update(key, weight)),
    merge: (later) => state.merge(restoreFrequentItems(later)),
    toBytes: () => state.toBytes(),
    dispose,
  })
  const open = restoreFrequentItems
  return { takes: 'counts', merging: 'ordered', make: () => live(make()), restore: (bytes) => live(open(bytes)), open }
}
