import * as ort from 'onnxruntime-node'
import type { Tensor } from 'onnxruntime-common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { foundAttention } from '../src/found-attention'
import { filesInMemory, type ModelFiles } from '../src/model-files'
import { onnxModel } from '../src/onnx-model'
import { checkOpened } from '../src/open-check'
import { openModel } from '../src/open-model'
import type { OpenLayer } from '../src/open-segments'
import type { OpenModel } from '../src/reader'
import { llama } from './models/llama'

// The check on opening: a model that was cut or understood wrongly is refused, and the message names the first layer that is wrong. Each case spoils one thing of
// a model that was opened rightly, and what the whole graph makes of 16 tokens is the truth.
// Kills: a check of the first token or of the first layer alone, of each layer's answers by its own queries and keys, a bound that lets a factor of 1.1 pass,
// logits that nobody compares, a single token behind the block that nobody compares.

const session = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const
type Opened = Awaited<ReturnType<typeof openModel>>
type Session = NonNullable<OpenModel['segments'][number]['session']>
/** The layer of three that is spoiled. */
const SPOILED = 1

const FORMS = {
  'float32, one tensor for queries, keys and values': { dialect: 'gqa' },
  'float32, written out': { dialect: 'decomposed' },
  'four bits': { dialect: 'gqa', nibbles: true, hidden: 64 },
} as const
type Form = keyof typeof FORMS

/** Files of a form; with `shift`, every weight is read so many bytes beside its place. */
function filesOf(form: Form, shift = 0): ModelFiles {
  const files = llama({ ...FORMS[form], sinks: true }).files({ data: 'weights.bin' })
  const data = files['weights.bin']
  const moved = new Uint8Array(data.length)
  moved.set(data.subarray(shift))
  return filesInMemory({ 'model.onnx': files['model.onnx'], 'weights.bin': moved })
}

const openOf = (files: ModelFiles) =>
  openModel(foundAttention('test', files, ort, session), { isMapped: false, isChecked: true })

/** The model with another layer in place of one. */
function withLayer(open: OpenModel, index: number, change: (layer: OpenLayer) => Partial<OpenLayer>): OpenModel {
  const changed = (layer: OpenLayer) => (layer.index === index ? { ...layer, ...change(layer) } : layer)
  return {
    ...open,
    layers: open.layers.map(changed),
    segments: open.segments.map((own) => ({ ...own, layers: own.layers.map(changed) })),
  }
}

/** The model with another session in one of its segments. */
function withSession(open: OpenModel, index: number, session: Session): OpenModel {
  return { ...open, segments: open.segments.map((own, i) => (i === index ? { ...own, session } : own)) }
}

/** A session whose outputs are changed. */
function withOutputs(session: Session, change: (name: string, own: Tensor) => Tensor) {
  const run = async (feeds: Record<string, Tensor>) => {
    const made = await session.run(feeds)
    return Object.fromEntries(Object.entries(made).map(([name, own]) => [name, change(name, own as Tensor)]))
  }
  return { ...session, run } as Session
}

describe.each(Object.keys(FORMS) as Form[])('the check on opening, %s', (form) => {
  let right: Opened
  let shifted: Opened
  beforeAll(async () => {
    right = await openOf(filesOf(form))
    shifted = await openOf(filesOf(form, 64))
  })
  afterAll(async () => {
    await right.release()
    await shifted.release()
  })
  const check = (open: OpenModel) => checkOpened(open, right.facts.truth!, right.facts.isRounded)
  const named = new RegExp(`gives something else: layer ${SPOILED} \\(.*\\) differs by`)

  it('takes the model as it is', async () => {
    await expect(check(right.open)).resolves.toBeUndefined()
  })
  it.each<[string, (layer: OpenLayer) => Partial<OpenLayer>]>([
    ['a factor of scores, 1.1 times too large', ({ shape }) => ({ shape: { ...shape, scale: 1.1 * shape.scale } })],
    ['a soft cap that the graph has not', ({ shape }) => ({ shape: { ...shape, softcap: 2 } })],
    ['a window that the graph has not', ({ shape }) => ({ shape: { ...shape, window: 12 } })],
    ['sinks left out', () => ({ sinks: undefined })],
    ['sinks of other heads', ({ sinks }) => ({ sinks: sinks!.toReversed() })],
    [
      'half as many heads, twice as wide',
      ({ heads, kvHeads, shape }) => ({
        heads: heads / 2,
        kvHeads: kvHeads / 2,
        shape: { ...shape, d: 2 * shape.d, dv: 2 * shape.dv },
      }),
    ],
  ])('refuses %s', async (_, change) => {
    await expect(check(withLayer(right.open, SPOILED, change))).rejects.toThrow(named)
  })
  it('refuses a segment that reads its weights beside their place', async () => {
    const { session: other } = shifted.open.segments[SPOILED]
    await expect(check(withSession(right.open, SPOILED, other!))).rejects.toThrow(named)
  })
  it('refuses keys and values that are taken for each other', async () => {
    const { session: own, makes } = right.open.segments[SPOILED]
    const layer = right.open.layers[SPOILED]
    const { port } = makes.find(({ tensor }) => tensor === layer.tensors[0])!
    const swapped = withOutputs(own!, (name, tensor) => (name === port ? valuesFirst(tensor, layer) : tensor))
    expect(layer.tensors).toHaveLength(1) // queries, keys and values lie in it, one after the other
    await expect(check(withSession(right.open, SPOILED, swapped))).rejects.toThrow(named)
  })
  it('refuses a head that reads its weights beside their place, or another tensor', async () => {
    await expect(check({ ...right.open, head: shifted.open.head! })).rejects.toThrow('the logits differs by')
    const { headCut, segments } = right.open
    const last = withOutputs(segments.at(-1)!.session!, (_name, { data, dims }) => {
      const own = (data as Float32Array).map((x, i) => (i < dims[2] ? x : 1.1 * x)) // the first token is right
      return new ort.Tensor('float32', own, dims)
    })
    expect(headCut.hidden).toBeDefined()
    await expect(check(withSession(right.open, segments.length - 1, last))).rejects.toThrow('the logits differs by')
  })
})

/** Queries, keys and values of one tensor, with values in front of keys. */
function valuesFirst({ data, dims }: Tensor, { site, heads, kvHeads, shape: { d } }: OpenLayer): Tensor {
  const [q, kv] = [heads * d, kvHeads * d]
  const own = (data as Float32Array).slice()
  const rows = own.length / (q + 2 * kv)
  const width = site.layout === 'rows' ? q + 2 * kv : own.length // heads lie behind each other over all rows
  const [first, part] = site.layout === 'rows' ? [q, kv] : [q * rows, kv * rows]
  for (let at = 0; at < own.length; at += width) {
    own.set((data as Float32Array).subarray(at + first + part, at + first + 2 * part), at + first)
    own.set((data as Float32Array).subarray(at + first, at + first + part), at + first + part)
  }
  return new ort.Tensor('float32', own, dims)
}

describe('rotary tables', () => {
  it.each(['float32, one tensor for queries, keys and values', 'four bits'] as const)(
    'of other places are refused, and those that single tokens do not count: %s',
    async (form) => {
      const { open, facts, release } = await openOf(filesOf(form))
      const check = (changed: OpenModel) => checkOpened(changed, facts.truth!, facts.isRounded)
      const other = (from: number) =>
        withLayer(open, SPOILED, ({ rotary }) => {
          const { pairs } = rotary!
          const moved = (table: Float32Array) => table.map((x, i) => (i < from * pairs ? x : table[i % pairs]))
          const rowsAt = (place: number) => {
            const own = rotary!.rowsAt(place)
            return { ...own, cos: moved(own.cos), sin: moved(own.sin) }
          }
          return { rotary: { ...rotary!, rowsAt } }
        })
      const named = `layer ${SPOILED} (GroupQueryAttention`
      await expect(check(other(1))).rejects.toThrow(named) // every place is the first
      await expect(check(other(15))).rejects.toThrow(named) // only the single token's is
      await expect(
        check(withLayer(open, SPOILED, ({ rotary }) => ({ rotary: { ...rotary!, isInterleaved: true } }))),
      ).rejects.toThrow(named)
      await expect(check(withLayer(open, SPOILED, () => ({ rotary: undefined })))).rejects.toThrow(named)
      await expect(check(other(16))).resolves.toBeUndefined()
      await release()
    },
  )
})

describe('without the check', () => {
  it('a model opens that the check refuses, and the whole graph is not run', async () => {
    const model = llama({ dialect: 'decomposed', tiled: true }).files()['model.onnx']
    await expect(onnxModel({ model, ort, session })).rejects.toThrow('gives something else')
    const opened = await onnxModel({ model, ort, session, check: false })
    expect(opened.layers).toHaveLength(3)
    await opened.release()
  })
})
