// Kills: views kept across memory growth, memory that dispose or the garbage collector does not return, blocks that overlap,
// a freed neighbour that is not merged, a range that frees its parent, use after dispose, a view of the memory handed out.
import { setFlagsFromString } from 'node:v8'
import { setTimeout } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { fc, test } from '@fast-check/vitest'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { scalarKernels, simdKernels, type Kernels } from './all-kernels'
import { type Resident } from '../src/index'
import { simdMachine } from '../src/module'
import { numbers } from './oracle'

const simd = simdKernels()
const held = () => simdMachine().arena.memory.buffer.byteLength

describe.each([simd, scalarKernels])('resident arrays of the $name kernels', (kernels) => {
  it('start as zeros, are read, written, filled and cut into ranges', () => {
    const array = kernels.floats(10)
    expect(array.read()).toEqual(new Float32Array(10))
    array.write(Float32Array.of(1, 2, 3), 4)
    const part = array.range(4, 3).range(1, 2)
    expect(part.read()).toEqual(Float32Array.of(2, 3))
    part.fill(9)
    const out = new Float32Array(12).fill(-1)
    array.readInto(out)
    expect(out).toEqual(Float32Array.of(0, 0, 0, 0, 1, 9, 9, 0, 0, 0, -1, -1))
    expect(kernels.doubles(0).read()).toEqual(new Float64Array(0))
    expect(() => array.range(8, 3)).toThrow(RangeError)
    expect(() => array.range(-1, 3)).toThrow(RangeError)
    expect(() => array.write(new Float32Array(3), 8)).toThrow(RangeError)
  })

  it('hand out copies only', () => {
    const array = kernels.doubles(4)
    const copy = array.read()
    copy.fill(5)
    expect(array.read()).toEqual(new Float64Array(4))
    expect(copy.buffer.byteLength).toBe(32)
  })

  it('throw once they are disposed, and so do their ranges; a range only ends itself', () => {
    const array = kernels.floats(8)
    const range = array.range(0, 4)
    const other = array.range(4, 4)
    other[Symbol.dispose]()
    expect(() => other.read()).toThrow(TypeError)
    expect(range.read()).toEqual(new Float32Array(4))
    array[Symbol.dispose]()
    array[Symbol.dispose]()
    const uses: ((a: Resident<Float32Array>) => unknown)[] = [
      (a) => a.read(),
      (a) => a.readInto(new Float32Array(8)),
      (a) => a.write(new Float32Array(1)),
      (a) => a.fill(1),
      (a) => a.range(0, 1),
      (a) => kernels.exp(a, new Float32Array(1), 1),
      (a) => kernels.product('nn', new Float32Array(1), a, new Float32Array(1), 1, 1, 1),
    ]
    for (const use of uses) for (const a of [array, range]) expect(() => use(a)).toThrow(TypeError)
  })

  it('are refused by the other kernels', () => {
    const other: Kernels = kernels === simd ? scalarKernels : simd
    expect(() => other.exp(new Float32Array(1), kernels.floats(1), 1)).toThrow(TypeError)
    expect(() => kernels.exp(new Float32Array(1), [1] as unknown as Float32Array, 1)).toThrow(TypeError)
  })
})

describe('the memory of the simd kernels', () => {
  it('keeps arrays intact when it grows, also between the operands of one call', () => {
    const kept = simd.floats(1000)
    const values = numbers(23, 1000)
    kept.write(values)
    const before = held()
    const large = simd.floats(before / 4 + 1000)
    expect(held()).toBeGreaterThan(before)
    expect(kept.read()).toEqual(values)
    simd.addScaled(kept, values, 1, 1000)
    expect(kept.read()).toEqual(values.map((x) => 2 * x))
    large[Symbol.dispose]()
  })

  it('refuses what cannot fit, and goes on', () => {
    expect(() => simd.floats(2 ** 30)).toThrow(RangeError)
    expect(simd.floats(3).read()).toEqual(new Float32Array(3))
  })

  it('does not grow when arrays are disposed of', () => {
    simd.floats(1e6)[Symbol.dispose]()
    const before = held()
    for (let i = 0; i < 1000; i++) {
      const [a, b] = [simd.floats(2e5), simd.doubles(1e5)]
      a[Symbol.dispose]()
      b[Symbol.dispose]()
    }
    expect(held()).toBe(before)
  })

  it('joins freed neighbours, in any order', () => {
    const { arena } = simdMachine()
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const places = [0, 1, 2].map(() => arena.take(1 << 25))
      const fence = arena.take(64)
      for (const i of order) arena.give(places[i], 1 << 25)
      const joined = arena.take(3 << 25)
      expect(joined).toBe(Math.min(...places))
      arena.give(joined, 3 << 25)
      arena.give(fence, 64)
    }
  })

  test.prop([fc.array(fc.tuple(fc.nat(400), fc.nat(20)), { maxLength: 120 })], { seed: 24, numRuns: 50 })(
    'gives every live array its own place',
    (steps) => {
      const live: { array: Resident<Float32Array>; mark: number }[] = []
      steps.forEach(([length, victim], mark) => {
        const array = simd.floats(length)
        expect(array.read()).toEqual(new Float32Array(length))
        array.fill(mark + 1)
        live.push({ array, mark: mark + 1 })
        if (victim < live.length) live.splice(victim, 1)[0].array[Symbol.dispose]()
        for (const { array, mark } of live) expect(array.read().every((x) => x === mark)).toBe(true)
      })
      for (const { array } of live) array[Symbol.dispose]()
    },
  )

  it('gets the memory of forgotten arrays back', async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 8; i++) simd.floats(2e6).fill(1) // 64 MB a round, 768 MB in all
      gc()
      await setTimeout(5)
    }
    expect(held()).toBeLessThan(500e6)
  })
})

describe('choosing', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  it('takes SIMD here, always the same object', async () => {
    const { kernels } = await import('../src/index')
    expect(kernels().name).toBe('simd')
    expect(kernels()).toBe(kernels())
  })

  it('compiles nothing on import', async () => {
    const compiled = vi.spyOn(WebAssembly, 'Module')
    const memory = vi.spyOn(WebAssembly, 'Memory')
    await import('../src/index')
    expect(compiled.mock.calls.length + memory.mock.calls.length).toBe(0)
    vi.restoreAllMocks()
  })

  it.each([undefined, { validate: () => false }])('falls back to scalar kernels', async (engine) => {
    vi.stubGlobal('WebAssembly', engine)
    const { kernels } = await import('../src/index')
    expect(kernels().name).toBe('scalar')
  })
})
