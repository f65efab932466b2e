import type { AttentionKernels } from './attention-kernels'
import type { CodeKernels } from './code-kernels'
import type { FeatureKernels } from './feature-kernels'
import type { Kernels } from './kernels'
import { scalarKernels } from './scalar'
import { monomialColumns } from './scalar/columns'
import { monomials } from './scalar/monomials'
import { largestMagnitude } from './scalar/rows'
import { scalarAttentionKernels } from './scalar-attention'
import { scalarCodeKernels } from './scalar-codes'
import { scalarFeatureKernels } from './scalar-features'
import { scalarSketchKernels } from './scalar-sketches'
import { simdKernels } from './simd'
import { simdAttentionKernels } from './simd-attention'
import { simdCodeKernels } from './simd-codes'
import { simdFeatureKernels } from './simd-features'
import { simdSketchKernels } from './simd-sketches'
import type { SketchKernels } from './sketch-kernels'

let chosen: Kernels | undefined

/**
 * The fastest kernels that this host runs, always the same object: WASM SIMD; or the scalar reference where the engine lacks WASM SIMD, or forbids
 * compiling bytes (a page whose policy lacks 'wasm-unsafe-eval', workerd). In the second case the console says so once.
 */
export function kernels(): Kernels {
  chosen ??= hasSimd() ? tried() : scalarKernels
  return chosen
}

/** The kernels of softmax attention that go with `kernels()`. A page of sketches alone does not load them. */
export function attentionKernels(): AttentionKernels {
  return kernels().name === 'simd' ? simdAttentionKernels() : scalarAttentionKernels
}

/** The kernels over codes that go with `kernels()`. A page that holds no codes does not load them. */
export function codeKernels(): CodeKernels {
  return kernels().name === 'simd' ? simdCodeKernels() : scalarCodeKernels
}

/** The kernels of streams of features that go with `kernels()`. A page that has no such stream does not load them. */
export function featureKernels(): FeatureKernels {
  return kernels().name === 'simd' ? simdFeatureKernels() : scalarFeatureKernels
}

/** The kernels of random matrices that go with `kernels()`. */
export function sketchKernels(): SketchKernels {
  return kernels().name === 'simd' ? simdSketchKernels() : scalarSketchKernels
}

/**
 * The kernels that a feature map alone needs: those of `kernels()` once these are in use, and before that the scalar ones, which load no WebAssembly. Both give the
 * same bits.
 */
export function kernelsInUse(): Pick<Kernels, 'monomials' | 'monomialColumns' | 'largestMagnitude'> {
  return chosen ?? { monomials, monomialColumns, largestMagnitude }
}

/**
 * Chooses the kernels, before the first use of any. A host that compiles no bytes but gives modules (workerd) takes a compiled module:
 * `import module from '@sublinear/kernels/simd.wasm'`. The bytes of that file are taken, too. 'scalar' gives the same answers up to rounding, some 12 times
 * slower.
 *
 * @param choice  a compiled module, its bytes, or 'scalar'
 * @returns the kernels that `kernels()` returns from then on
 * @throws TypeError when `choice` is none of the three; Error when other kernels are in use, since these could not read their arrays; CompileError, LinkError
 *   when the module is not this package's
 */
export function useKernels(choice: WebAssembly.Module | BufferSource | 'scalar'): Kernels {
  if (chosen) {
    if (chosen.name === (choice === 'scalar' ? 'scalar' : 'simd')) return chosen
    throw new Error(
      `useKernels: the ${chosen.name} kernels are in use; choose before the first stream or sketch is made`,
    )
  }
  if (choice === 'scalar') chosen = scalarKernels
  else if (isModule(choice)) chosen = simdKernels(choice)
  else throw new TypeError(`useKernels: must be a WebAssembly module, its bytes or 'scalar', got ${String(choice)}`)
  return chosen
}

function isModule(choice: unknown): choice is WebAssembly.Module | BufferSource {
  const tag = Object.prototype.toString.call(choice)
  return ArrayBuffer.isView(choice) || ['[object ArrayBuffer]', '[object WebAssembly.Module]'].includes(tag)
}

function tried(): Kernels {
  try {
    return simdKernels()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    console.warn(
      `sublinear: this host compiles no WebAssembly (${why}), so scalar kernels answer, some 12 times slower; useKernels takes a compiled module`,
    )
    return scalarKernels
  }
}

/** Whether the engine accepts a module whose one function is `v128.const 0; drop`. */
function hasSimd(): boolean {
  if (typeof WebAssembly === 'undefined') return false
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  const types = [1, 4, 1, 0x60, 0, 0]
  const functions = [3, 2, 1, 0]
  const body = [0, 0xfd, 12, ...Array.from({ length: 16 }, () => 0), 0x1a, 0x0b]
  const code = [10, body.length + 2, 1, body.length, ...body]
  return WebAssembly.validate(Uint8Array.from([...head, ...types, ...functions, ...code]))
}
