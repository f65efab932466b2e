import { catalogue, layer, restoreLayer, tiers } from '@sublinear/attention'
import type { AttentionStream, Method, Shape, StreamSpec, TierMethod, TierSpec, Traffic } from '@sublinear/core'
import { dressed, opened, type Dice, type Dressed } from './parts.ts'

export const SHAPE: Shape = { d: 3, dv: 2, scale: 0.5 }
const TRAFFIC: Traffic = { tokens: 1000, groups: 2, weighted: false }

/** Subject that a program calls: a stream, or a layer of them, which says nothing of its merging. */
export type Subject = Pick<AttentionStream, 'push' | 'step' | 'attend' | 'merge' | 'toBytes' | 'tokens'> & {
  readonly parts?: readonly AttentionStream[]
}

/** Target of a program: how its subject is made, and what it can do. */
export interface Target {
  readonly kind: 'method' | 'tiers' | 'layer'
  /** Methods in it, by name. */
  readonly methods: readonly string[]
  readonly dresses: readonly string[]
  readonly heads: number
  /** Query heads a head of keys, where it is a layer. */
  readonly headGroups: number
  /** Whether it must refuse weights other than 1. */
  readonly isUnweighted: boolean
  /** Whether each head holds every token's mass, so that a query of zeros finds the sum of all weights. */
  readonly keepsMass: boolean
  make(isFaulty: boolean): Subject
  /** The same but for one part. */
  near(): Subject
  open(bytes: Uint8Array): Subject
}

/** One stream of a target. */
interface Recipe extends Pick<Target, 'methods' | 'dresses' | 'isUnweighted' | 'keepsMass'> {
  make(isFaulty: boolean): AttentionStream
  near(): AttentionStream
}

const tierMethods = catalogue.filter((method): method is TierMethod => 'tierBytes' in method)
/** Tiers and rests that merge when they stand together. */
const ORDERED = ['sinks', 'window', 'streamingLlm', 'farKeys', 'lagKv']
const LINEAR = ['mean', 'closure', 'taylor', 'anisotropic']
/** Rests that give every token its weight at a query of zeros. */
const KEEP = new Set(['exact', 'quantised', 'mean'])
const named = (names: readonly string[], of: readonly Method[]) => of.filter(({ name }) => names.includes(name))

/** Options of a method within few bytes, more where it needs them. */
function sized(method: Method, random: Dice): object {
  const entries = (rows: number, cols: number) => ({
    rows,
    cols,
    data: Float32Array.from({ length: rows * cols }, () => random.entry()),
  })
  const pilot = { queries: entries(64, SHAPE.d), keys: entries(64, SHAPE.d), values: entries(64, SHAPE.dv) }
  for (let budget = 1500 + random.below(12_000); budget < 2 ** 26; budget *= 2) {
    const options = method.within(SHAPE, budget, TRAFFIC, pilot)
    if (options) return options
  }
  throw new Error(`programs: no bytes are enough for ${method.name}`)
}

function single(random: Dice, method = random.pick(catalogue), dress?: Dressed): Recipe {
  const options = sized(method, random)
  const make = () => method.make(SHAPE, options)
  return {
    methods: [method.name],
    dresses: dress ? [dress.name] : [],
    isUnweighted: method.name === 'auto',
    keepsMass: KEEP.has(method.name),
    make: (isFaulty) => (dress ? (isFaulty ? dress.faulty : dress.sound)(make()) : make()),
    near: () => tiers({ ...SHAPE, parts: [make], buffer: 3 }),
  }
}

const mean: StreamSpec = (shape) => catalogue.find(({ name }) => name === 'mean')!.make(shape, { buffer: 2 })

/** Other options: a token more, or other rotations where all tokens are held. */
function another(of: object): object {
  return 'count' in of ? { ...of, count: Number(of.count) + 1 } : { ...of, seed: 99 }
}

function stack(random: Dice): Recipe {
  const canMerge = random.chance(0.4)
  const from = canMerge ? (named(ORDERED, tierMethods) as TierMethod[]) : tierMethods
  const chosen = Array.from({ length: 1 + random.below(3) }, () => random.pick(from))
  const last = random.pick(canMerge ? named(LINEAR, catalogue) : catalogue)
  const options = chosen.map((method) => {
    const of = sized(method, random)
    const count = random.chance(0.6) ? 9 + random.below(12) : undefined
    return count !== undefined && 'count' in of ? { ...of, count } : of
  })
  const lastOptions = sized(last, random)
  const buffer = 1 + random.below(16)
  const dresses = [...chosen, last].map(() => dressed(random))
  const other = random.below(dresses.length)
  const built = (isFaulty: boolean, changed = -1) => {
    const specs = chosen.map((method, i): TierSpec => {
      return method.tier(i === changed ? another(options[i]) : options[i])
    })
    const rest: StreamSpec = (shape) => (changed === chosen.length ? mean(shape) : last.make(shape, lastOptions))
    const parts = [...specs, rest].map(
      (spec, i) => (shape: Shape) => dresses[i][isFaulty ? 'faulty' : 'sound'](spec(shape)),
    )
    return tiers({ ...SHAPE, parts: parts as unknown as readonly [...TierSpec[], StreamSpec], buffer })
  }
  return {
    methods: [...chosen, last].map(({ name }) => name),
    dresses: dresses.map(({ name }) => name),
    isUnweighted: last.name === 'auto' && !HIDES.has(dresses.at(-1)!.name),
    keepsMass: KEEP.has(last.name),
    make: (isFaulty) => built(isFaulty),
    near: () => built(false, other),
  }
}
/** Dresses behind which nobody asks a part before the call. */
export const HIDES: ReadonlySet<string> = new Set([
  'no check',
  'the least that a contract asks for',
  'picky, never asked',
])

/** A random stream, tiers, or layer of them. */
export function target(random: Dice): Target {
  const kind = random.pick(['method', 'tiers', 'tiers', 'layer'] as const)
  if (kind !== 'layer') {
    const recipe = kind === 'method' ? single(random) : stack(random)
    return { ...recipe, kind, heads: 1, headGroups: 1, open: opened }
  }
  const headGroups = 1 + random.below(2)
  const isAlike = random.chance(0.3)
  const linear = isAlike ? named(LINEAR, catalogue) : catalogue
  const recipes = Array.from({ length: 1 + random.below(3) }, () =>
    random.chance(0.4) ? stack(random) : single(random, random.pick(linear), dressed(random)),
  )
  const heads = recipes.length
  const changed = random.below(heads)
  const make = (of: (recipe: Recipe, h: number) => AttentionStream) =>
    layer({ queryHeads: heads * headGroups, kvHeads: heads, make: (h) => of(recipes[h], h) })
  return {
    kind,
    heads,
    headGroups,
    methods: recipes.flatMap(({ methods }) => methods),
    dresses: recipes.flatMap(({ dresses }) => dresses),
    isUnweighted: recipes.some(({ isUnweighted, dresses }) => isUnweighted && !dresses.some((name) => HIDES.has(name))),
    keepsMass: recipes.every(({ keepsMass }) => keepsMass),
    make: (isFaulty) => make((recipe) => recipe.make(isFaulty)),
    near: () => make((recipe, h) => (h === changed ? recipe.near() : recipe.make(false))),
    open: (bytes) => restoreLayer(bytes, opened),
  }
}
