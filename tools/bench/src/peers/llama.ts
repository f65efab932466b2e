import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childScript } from '../child.ts'

/** Build of ggml's CPU code that runs: the best for the machine, or the one for AVX2, which is faster for heads narrower than 64. */
export type LlamaBuild = 'best' | 'haswell'

export interface LlamaOptions {
  /** A GGUF file's bytes. */
  readonly model: Uint8Array
  readonly build: LlamaBuild
  /** Whether llama.cpp uses its flash attention, else a product, a softmax and a product. */
  readonly flash: boolean
  /** How keys and values are held; q8_0 and q4_0 need flash attention. */
  readonly cache: 'f32' | 'f16' | 'q8_0' | 'q4_0'
  /** The most tokens that the context will hold. */
  readonly tokens: number
}

/** A row of a table: what it is called, and how llama.cpp is set up for it. */
export interface LlamaKind extends Pick<LlamaOptions, 'build' | 'flash' | 'cache'> {
  readonly name: string
}

const kind = (build: LlamaBuild, flash: boolean, cache: LlamaOptions['cache']): LlamaKind => ({
  name: `llama.cpp, ${flash ? 'flash' : 'no flash'}, ${cache} cache${build === 'best' ? '' : ', AVX2 code'}`,
  build,
  flash,
  cache,
})

/** All settings that may be llama.cpp's fastest: which one is depends on the task and the width of heads. */
export const LLAMA_F16: readonly LlamaKind[] = [
  kind('best', true, 'f16'),
  kind('best', false, 'f16'),
  kind('haswell', true, 'f16'),
  kind('haswell', false, 'f16'),
]
export const LLAMA_8_BITS: readonly LlamaKind[] = [kind('best', true, 'q8_0'), kind('haswell', true, 'q8_0')]
export const LLAMA_4_BITS: readonly LlamaKind[] = [kind('best', true, 'q4_0'), kind('haswell', true, 'q4_0')]

const fastest = (name: string, kinds: readonly LlamaKind[]) => ({ name, of: kinds.map((one) => one.name) })

/** Opponents: each stands for the fastest in the group of the kinds above. */
export const FASTEST_LLAMA = fastest('llama.cpp at its fastest', LLAMA_F16)
export const FASTEST_LLAMA_8_BITS = fastest('llama.cpp at its fastest, q8_0', LLAMA_8_BITS)
export const FASTEST_LLAMA_4_BITS = fastest('llama.cpp at its fastest, q4_0', LLAMA_4_BITS)

/**
 * A context of llama.cpp with a model and a cache of its own; contexts of one build share a process. Times are that process's CPU time in ms, on one thread.
 */
export interface LlamaContext {
  /** Reads tokens in batches of 512 and computes the logits of each batch's last; resolves to the CPU time. */
  read(ids: ArrayLike<number>): Promise<number>
  /** Reads tokens one by one and computes the logits of each; resolves to the CPU time. */
  decode(ids: ArrayLike<number>): Promise<number>
  /** Forgets all but the first tokens. */
  keep(count: number): Promise<void>
  /** The logits after every token of a batch, rows × vocabulary. */
  logits(ids: ArrayLike<number>, vocabulary: number): Promise<Float32Array>
}

const PACKAGE = '@node-llama-cpp/linux-x64'

/** Whether the optional package with llama.cpp's binaries is here. */
export function llamaInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve(PACKAGE)
    return true
  } catch {
    return false
  }
}

/** A line that says that the package is missing; undefined where it is installed. */
export function llamaMissing(): string | undefined {
  return llamaInstalled() ? undefined : `the optional package ${PACKAGE} is not installed (it is for Linux on x64)`
}

const started = new Map<LlamaBuild, Promise<Child>>()

/**
 * Opens a context of llama.cpp.
 *
 * @throws Error where its package is not installed, or it refuses the model or the options
 */
export async function llamaContext({ model, build, ...options }: LlamaOptions): Promise<LlamaContext> {
  const missing = llamaMissing()
  if (missing !== undefined) throw new Error(missing)
  if (!started.has(build)) started.set(build, startChild(build))
  const child = await started.get(build)!
  const at = await child.ask<number>('open', { path: child.pathOf(model), ...options })
  const ask = <T>(command: string, given: object) => child.ask<T>(command, { at, ...given })
  return {
    read: (ids) => ask('read', { ids: Array.from(ids) }),
    decode: (ids) => ask('decode', { ids: Array.from(ids) }),
    keep: (count) => ask('keep', { count }),
    async logits(ids, vocabulary) {
      const rows = await ask<number[][]>('logits', { ids: Array.from(ids) })
      const out = new Float32Array(rows.length * vocabulary)
      for (const [r, row] of rows.entries())
        for (let i = 0; i < row.length; i += 2) out[r * vocabulary + row[i]] = row[i + 1]
      return out
    },
  }
}

interface Child {
  pathOf(model: Uint8Array): string
  ask<T>(command: string, options: object): Promise<T>
}

/** Starts a process of one build; it ends with its parent, and keeps the parent alive only while it works. */
async function startChild(build: LlamaBuild): Promise<Child> {
  const child = fork(childScript('llama'), build === 'best' ? [] : [build], { execArgv: [] })
  const folder = mkdtempSync(join(tmpdir(), 'gguf-'))
  process.once('exit', () => {
    child.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  child.unref()
  await answer(child)
  const paths = new Map<Uint8Array, string>()
  return {
    pathOf(model) {
      if (!paths.has(model)) {
        paths.set(model, join(folder, `${paths.size}.gguf`))
        writeFileSync(paths.get(model)!, model)
      }
      return paths.get(model)!
    },
    ask<T>(command: string, options: object) {
      const pending = answer<T>(child)
      child.send({ command, options })
      return pending
    },
  }
}

function answer<T>(child: ChildProcess): Promise<T> {
  child.channel!.ref()
  return new Promise<T>((resolve, reject) => {
    const gone = () => reject(new Error('llama.cpp ended'))
    child.once('exit', gone)
    child.once('message', (message: { value: T; error?: string }) => {
      child.off('exit', gone)
      child.channel?.unref()
      if (message.error === undefined) resolve(message.value)
      else reject(new Error(message.error))
    })
  })
}
