// Runs llama.cpp in a process of its own, on one thread, by the addon of node-llama-cpp: `node llama.mjs [cpu-build]`; its commands come as messages.
// Times are the process's CPU time in ms, the hand-over to the addon's thread included.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getBinsDir } from '@node-llama-cpp/linux-x64'

const BATCH = 512
const CACHES = { f32: 0, f16: 1, q4_0: 2, q8_0: 8 } // ggml's numbers of types
const folder = join(getBinsDir().binsDir, 'linux-x64')
const llama = createRequire(import.meta.url)(join(folder, 'llama-addon.node'))
llama.setLogger((level, text) => level <= 2 && process.stderr.write(text))
llama.setLoggerLogLevel(2) // errors
const build = process.argv[2]
if (build) {
  const only = mkdtempSync(join(tmpdir(), 'ggml-'))
  symlinkSync(join(folder, `libggml-cpu-${build}.so`), join(only, `libggml-cpu-${build}.so`))
  llama.loadBackends(only)
  rmSync(only, { recursive: true })
} else llama.loadBackends(folder) // the best for this machine
await llama.init()

const models = new Map()
const contexts = []

async function open({ path, flash, cache, tokens }) {
  if (!models.has(path)) {
    const model = new llama.AddonModel(path, { gpuLayers: 0 })
    if (!(await model.init())) throw new Error(`llama.cpp does not load ${path}`)
    models.set(path, model)
  }
  const model = models.get(path)
  const type = CACHES[cache]
  const context = new llama.AddonContext(model, {
    contextSize: tokens,
    batchSize: BATCH,
    sequences: 1,
    threads: 1,
    flashAttention: flash,
    kvCacheKeyType: type,
    kvCacheValueType: type,
  })
  if (!(await context.init())) throw new Error(`llama.cpp has no context with flash ${flash} and a cache in ${cache}`)
  return contexts.push({ model, context, held: 0 }) - 1
}

async function decode(one, ids, wanted) {
  one.context.initBatch(ids.length)
  const places = one.context.addToBatch(0, one.held, ids, wanted)
  await one.context.decodeBatch()
  one.held += ids.length
  return places
}

const commands = {
  open,
  info: () => llama.systemInfo(),
  /** Reads tokens in batches and computes the logits of each batch's last token. */
  async read({ at, ids }) {
    const start = process.cpuUsage()
    for (let from = 0; from < ids.length; from += BATCH) {
      const own = Uint32Array.from(ids.slice(from, from + BATCH))
      await decode(contexts[at], own, Uint32Array.of(own.length - 1))
    }
    return since(start)
  },
  /** Reads tokens one at a time and computes the logits of each. */
  async decode({ at, ids }) {
    const start = process.cpuUsage()
    for (const id of ids) await decode(contexts[at], Uint32Array.of(id), Uint32Array.of(0))
    return since(start)
  },
  /** Forgets all but the first tokens. */
  keep({ at, count }) {
    const one = contexts[at]
    if (one.held > count && !one.context.removeTokenCellsFromSequence(0, count, -1)) throw new Error('cannot forget')
    one.held = Math.min(one.held, count)
  },
  /** Returns the logits after each token, as arrays of token, logit, token, logit, … */
  async logits({ at, ids }) {
    const one = contexts[at]
    const sampler = new llama.AddonSampler(one.model)
    sampler.applyConfig({ temperature: 0 })
    const places = await decode(
      one,
      Uint32Array.from(ids),
      Uint32Array.from(ids, (_, i) => i),
    )
    const rows = []
    for (const place of places) rows.push((await one.context.sampleToken(place, sampler, false, false, true))[3])
    return rows
  },
}

function since(start) {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

process.on('message', async ({ command, options }) => {
  try {
    process.send({ value: await commands[command](options) })
  } catch (error) {
    process.send({ error: error.message })
  }
})
process.on('disconnect', () => process.exit())
process.send({ value: 'ready' })
