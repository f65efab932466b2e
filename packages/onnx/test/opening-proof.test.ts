import { crc32 } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as node from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { filesInFolder } from '../src/files-in-folder'
import { filesInMemory, type ModelFiles } from '../src/model-files'
import { onnxModel, type OnnxModel, type OnnxModelOptions } from '../src/onnx-model'
import { provenFacts } from '../src/opening-proof'
import type { Ort } from '../src/ort'
import { opsetOf, type Dialect } from './models/emit-attention'
import { llama, type LlamaOptions } from './models/llama'

// A check that passed is remembered: its proof spares the whole graph's session and the check, as long as files, runtime, options and package are the same.
// Sessions are counted: with a proof that holds, the whole graph's is the one that is missing.
// Kills: a proof that holds whatever it says, for a changed weight of equal size and time, for another time, graph, runtime, machine, version or option; facts of
// another tensor; a proof whose text was damaged; a check that is left out for a broken model; weights that are read for the proof.

const session = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const
const IDS = Array.from({ length: 24 }, (_, i) => (i * 31 + (i % 7) * 5) % 61)
const filesOf = (options: LlamaOptions) =>
  llama(options).files({ opset: opsetOf(options.dialect), data: 'weights.bin' })
const FILES = filesOf({ dialect: 'gqa' })

/** Opens a model; counts the sessions that make logits from a cache: the whole graph's. */
async function opened(options: Partial<OnnxModelOptions> = {}, own: Partial<Ort> = {}) {
  const ort = (options.ort ?? node) as Ort
  let whole = 0
  const counted = {
    create: async (bytes: Uint8Array, how: object) => {
      const made = await ort.InferenceSession.create(bytes, how)
      const [cache, end] = [made.inputNames, made.outputNames]
      if (cache.some((name) => name.startsWith('past')) && end.some((name) => name.startsWith('logits'))) whole++
      return made
    },
  } as unknown as Ort['InferenceSession']
  const all = { env: ort.env, Tensor: ort.Tensor, InferenceSession: counted, ...own }
  const model = await onnxModel({ model: filesInMemory(FILES), session, ...options, ort: all })
  return { model, whole }
}
type Opening = Awaited<ReturnType<typeof opened>>

async function logitsOf(model: OnnxModel): Promise<Float32Array> {
  using reader = model.reader({ stream: exactStream })
  return (await reader.read(IDS, 'all')).data
}

async function released({ model, whole }: Opening) {
  await model.release()
  return { whole, proof: model.proof }
}

let proof: string
beforeAll(async () => {
  proof = (await released(await opened())).proof!
})
afterEach(() => {
  vi.unstubAllGlobals()
})

describe('a proof that holds', () => {
  const cases: readonly (readonly [string, LlamaOptions])[] = [
    ...(['gqa', 'gqa-packed', 'mha', 'attention-rows', 'decomposed'] as const).map(
      (dialect) => [dialect, { dialect, window: dialect === 'mha' ? undefined : 11 } as LlamaOptions] as const,
    ),
    ['float16', { dialect: 'gqa', half: true }],
    ['four bits', { dialect: 'gqa', nibbles: true, hidden: 64 }],
    ['layers that read the keys of others', { dialect: 'gqa', layers: 4, sharing: 2 }],
    ['logits that are no linear map', { dialect: 'gqa', gated: true }],
    ['places that follow from the cache', { dialect: 'decomposed' as Dialect, ownPlaces: true }],
  ]
  it.each(cases)('spares the whole graph, and all else is as without it: %s', async (_, options) => {
    const model = filesInMemory(filesOf(options))
    const first = await opened({ model })
    const second = await opened({ model, check: first.model.proof! })
    expect([first.whole, second.whole]).toEqual([1, 0])
    expect(second.model.proof).toBe(first.model.proof)
    expect(second.model.layers).toEqual(first.model.layers)
    expect([second.model.vocabulary, second.model.places]).toEqual([first.model.vocabulary, first.model.places])
    expect(await logitsOf(second.model)).toEqual(await logitsOf(first.model))
    await first.model.release()
    await second.model.release()
  })
  it('holds with other threads and logs', async () => {
    const other = { intraOpNumThreads: 2, interOpNumThreads: 1, logSeverityLevel: 3, logId: 'x' } as const
    expect(await released(await opened({ check: proof, session: other }))).toEqual({ whole: 0, proof })
  })
  it('holds for mapped weights, and for onnxruntime-web', async () => {
    web.env.wasm.numThreads = 1
    for (const options of [{ memory: 'mapped' }, { ort: web as never }] as const) {
      const first = await released(await opened({ ...options, check: proof }))
      expect(first.whole).toBe(1)
      expect(await released(await opened({ ...options, check: first.proof! }))).toEqual({ ...first, whole: 0 })
    }
  })
  it('reads no more than 64 bytes of each weight', async () => {
    const inside = filesInMemory(filesOf({ dialect: 'gqa', width: 128, hidden: 512 }))
    const { proof: own } = await released(await opened({ model: inside }))
    let read = 0
    const model: ModelFiles = {
      ...inside,
      read(file, from, to) {
        if (file === 'weights.bin') read += to - from
        return inside.read(file, from, to)
      },
    }
    await released(await opened({ model, check: own! }))
    const tensors = 2 + 3 * 11 + 4 // ends, layers, norms and tables: no more than these
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThanOrEqual(64 * tensors)
  })
})

/** The proof with another text in one place, and the sum that belongs to it. */
function rewritten(from: string | RegExp, to: string): string {
  const lines = proof.slice(0, proof.lastIndexOf('\n')).replace(from, to)
  return `${lines}\n${crc32(new TextEncoder().encode(lines)).toString(16)}`
}

/** The files with one changed. */
function changed(file: keyof typeof FILES, change: (bytes: Uint8Array) => void): ModelFiles {
  const bytes = FILES[file].slice()
  change(bytes)
  return filesInMemory({ ...FILES, [file]: bytes })
}

/** Flips a byte in the middle of the last linear map. */
const inHead = (bytes: Uint8Array) => {
  const head = 61 * 32 * 4 // the last linear map, 32 × 61, ends the file
  bytes[bytes.length - head / 2] ^= 1
}

describe('a check is run again', () => {
  it('where the proof is of another package version, and one of the same passes this test', async () => {
    const version = /"package":"[^"]+"/
    expect(rewritten(version, version.exec(proof)![0])).toBe(proof)
    const { whole, proof: again } = await released(await opened({ check: rewritten(version, '"package":"0.0.0"') }))
    expect([whole, again]).toEqual([1, proof])
  })
  it.each<[string, () => Promise<Opening>]>([
    [
      'a node of the graph',
      () =>
        opened({
          check: proof,
          model: changed('model.onnx', (bytes) => {
            bytes[Buffer.from(bytes).indexOf('epsilon') + 9] ^= 1 // low bits of a float behind the name and its tag
          }),
        }),
    ],
    [
      'the names of two weights of one size',
      () => {
        const model = changed('model.onnx', (bytes) => {
          const names = Buffer.from(bytes.buffer)
          const [k, v] = ['\x42\x03k.1', '\x42\x03v.1'].map((field) => 2 + names.indexOf(field)) // tag, length, name
          names.write('v', k)
          names.write('k', v)
        })
        return opened({ check: proof, model })
      },
    ],
    [
      'a weight, in a file of equal size and time',
      () => opened({ check: proof, model: changed('weights.bin', inHead) }),
    ],
    [
      'the length of the data',
      () => {
        const longer = new Uint8Array(FILES['weights.bin'].length + 1)
        longer.set(FILES['weights.bin'])
        return opened({ check: proof, model: filesInMemory({ ...FILES, 'weights.bin': longer }) })
      },
    ],
    ['the runtime', () => opened({ check: proof }, { env: { versions: { ...node.env.versions, node: '1.0.0' } } })],
    ['an option', () => opened({ check: proof, session: { ...session, graphOptimizationLevel: 'basic' } })],
    ['the provider', () => opened({ check: proof, session: { ...session, executionProviders: ['cpu'] } })],
    ['memory', () => opened({ check: proof, memory: 'mapped' })],
    [
      'the machine',
      () => {
        vi.stubGlobal('navigator', { userAgent: 'another' })
        return opened({ check: proof })
      },
    ],
  ])('when it was changed: %s', async (_, open) => {
    const { whole, proof: other } = await released(await open())
    expect(whole).toBe(1)
    expect(other).not.toBe(proof)
  })
  it('when a character of the proof is damaged', async () => {
    const [stamp] = proof.split('\n')
    expect(provenFacts(proof, stamp)).toBeDefined()
    for (let at = 0; at < proof.length; at++) {
      const damaged = `${proof.slice(0, at)}${proof[at] === '0' ? '1' : '0'}${proof.slice(at + 1)}`
      expect(provenFacts(damaged, stamp), `character ${at}`).toBeUndefined()
    }
    for (const text of ['', 'true', stamp, `${stamp}\n`, proof.slice(0, -1), `${proof}\n`, proof.slice(stamp.length)])
      expect(provenFacts(text, stamp)).toBeUndefined()
    expect((await released(await opened({ check: '' }))).whole).toBe(1)
  })
  it('when a file on the disk has another time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sublinear-proof-'))
    const path = join(folder, 'model.onnx')
    for (const [name, bytes] of Object.entries(FILES)) writeFileSync(join(folder, name), bytes)
    const open = async (check: true | string) => released(await opened({ model: filesInFolder(path), check }))
    const first = await open(true)
    expect((await open(first.proof!)).whole).toBe(0)
    for (const name of ['weights.bin', 'model.onnx']) {
      const { atime, mtimeMs } = statSync(join(folder, name))
      utimesSync(join(folder, name), atime, new Date(mtimeMs - 60_000))
      expect((await open(first.proof!)).whole, name).toBe(1)
      utimesSync(join(folder, name), atime, new Date(mtimeMs))
    }
    rmSync(folder, { recursive: true })
  })
})

describe('without a proof', () => {
  it('a model that the check refuses is refused, whatever proof comes with it', async () => {
    const right = filesOf({ dialect: 'decomposed' })
    const own = (await released(await opened({ model: filesInMemory(right) }))).proof!
    const broken = filesInMemory(filesOf({ dialect: 'decomposed', tiled: true }))
    for (const check of [own, proof]) await expect(opened({ model: broken, check })).rejects.toThrow('something else')
  })
  it('none is given where nothing was checked, the runtime has no version, or options are no JSON', async () => {
    expect((await released(await opened({ check: false }))).proof).toBeUndefined()
    expect(await released(await opened({ check: proof }, { env: undefined }))).toEqual({ whole: 1, proof: undefined })
    const odd = { ...session, extra: { own: 1n } } as object
    const { env, Tensor } = node
    const ort = { env, Tensor, InferenceSession: { create: createPlain } } as unknown as Ort
    const model = await onnxModel({ model: filesInMemory(FILES), ort, session: odd, check: proof })
    expect(model.proof).toBeUndefined()
    await model.release()
  })
  it('check must be true, false or a proof', async () => {
    await expect(opened({ check: 1 as never })).rejects.toThrow('check must be true, false or the proof')
  })
})
/** Makes a session whose options are those of all other tests. */
function createPlain(bytes: Uint8Array) {
  const externalData = [{ path: 'weights.bin', data: FILES['weights.bin'] }]
  return node.InferenceSession.create(bytes, { ...session, externalData })
}

describe('a short text', () => {
  it('grows little with the layers, and names what it depends on', async () => {
    const bytes = new Uint8Array(readFileSync(new URL('data/tiny.onnx', import.meta.url)))
    const { proof: own } = await released(await opened({ model: bytes }))
    expect(own).toContain(node.env.versions.node!)
    const deep = await released(await opened({ model: filesInMemory(filesOf({ dialect: 'gqa', layers: 24 })) }))
    expect(deep.proof!.length).toBeLessThan(1500)
  })
})
