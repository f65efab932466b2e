// The choice of kernels. Kills: a host that validates WebAssembly but compiles none (a strict page, workerd) brought down, silence about it, words at
// every call, a choice that comes when arrays of other kernels are in use.
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const bytes = readFileSync(new URL('../src/generated/simd.wasm', import.meta.url))
const fresh = () => import('../src')

beforeEach(() => void vi.resetModules())
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

test('is WASM SIMD where the host compiles it', async () => {
  const { kernels, simdKernels } = await fresh()
  expect(kernels()).toBe(simdKernels())
})

test('is scalar where the host validates and compiles nothing, and says so once', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.spyOn(WebAssembly, 'Module').mockImplementation(function () {
    throw new WebAssembly.CompileError('Wasm code generation disallowed by embedder')
  })
  const { kernels, scalarKernels } = await fresh()
  expect(kernels()).toBe(scalarKernels)
  expect(kernels()).toBe(scalarKernels)
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/disallowed by embedder.*scalar kernels.*useKernels/)]])
})

test('is scalar without WebAssembly, and needs no words', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.stubGlobal('WebAssembly', undefined)
  const { kernels } = await fresh()
  expect(kernels().name).toBe('scalar')
  expect(warn).not.toHaveBeenCalled()
})

test.each(['module', 'bytes', 'buffer'])('takes a compiled module or its bytes: %s', async (kind) => {
  const given = { module: new WebAssembly.Module(bytes), bytes, buffer: new Uint8Array(bytes).buffer }[kind]!
  const { kernels, useKernels } = await fresh()
  expect(useKernels(given).name).toBe('simd')
  expect(kernels()).toBe(useKernels(given))
  const [a, out] = [Float32Array.of(1, 2, 3, 4), new Float32Array(4)]
  kernels().product('nn', out, a, a, 2, 2, 2)
  expect([...out]).toEqual([7, 10, 15, 22])
})

test('can be scalar, and stays what it is', async () => {
  const { kernels, scalarKernels, useKernels } = await fresh()
  expect(useKernels('scalar')).toBe(scalarKernels)
  expect(kernels()).toBe(scalarKernels)
  expect(() => useKernels(bytes)).toThrow(/the scalar kernels are in use/)
  vi.resetModules()
  const again = await fresh()
  again.kernels()
  expect(() => again.useKernels('scalar')).toThrow(/the simd kernels are in use/)
  expect(() => again.useKernels(bytes)).not.toThrow()
})

test('refuses what is no module', async () => {
  const { useKernels } = await fresh()
  expect(() => useKernels('simd' as 'scalar')).toThrow(TypeError)
  expect(() => useKernels(Uint8Array.of(1, 2, 3))).toThrow(WebAssembly.CompileError)
})

test('what a feature map alone needs is scalar and compiles nothing until kernels are in use', async () => {
  const { kernels, kernelsInUse, scalarKernels } = await fresh()
  const compiled = vi.spyOn(WebAssembly, 'Module')
  expect(kernelsInUse().monomials).toBe(scalarKernels.monomials)
  for (const name of ['monomialColumns', 'largestMagnitude'] as const)
    expect(kernelsInUse()[name]).toBe(scalarKernels[name])
  expect(compiled).not.toHaveBeenCalled()
  const chosen = kernels()
  expect(chosen.name).toBe('simd')
  expect(kernelsInUse()).toBe(chosen)
})
