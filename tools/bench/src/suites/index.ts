import type { Suite } from '../suite.ts'

/** Suites by name, each loaded only when it runs: peers are heavy. */
export const suites: Readonly<Record<string, () => Promise<Suite>>> = {
  kernels: async () => (await import('./kernels.ts')).suite,
  'exact-attention': async () => (await import('./exact-attention.ts')).suite,
  'feature-stream': async () => (await import('./feature-stream.ts')).suite,
  'balance-kv': async () => (await import('./balance-kv.ts')).suite,
  'kv-cache': async () => (await import('./kv-cache.ts')).suite,
  'coded-tokens': async () => (await import('./coded-tokens.ts')).suite,
  'entropy-coded': async () => (await import('./entropy-coded.ts')).suite,
  layer: async () => (await import('./layer.ts')).suite,
  threads: async () => (await import('./threads.ts')).suite,
  'gaussian-sparse': async () => (await import('./gaussian-sparse.ts')).suite,
  'sparse-recovery': async () => (await import('./sparse-recovery.ts')).suite,
  sketches: async () => (await import('./sketches.ts')).suite,
  'one-pass': async () => (await import('./one-pass.ts')).suite,
  'small-lm': async () => (await import('./small-lm.ts')).suite,
  llama: async () => (await import('./llama.ts')).suite,
  heads: async () => (await import('./heads.ts')).suite,
  onnx: async () => (await import('./onnx.ts')).suite,
  'onnx-memory': async () => (await import('./onnx-memory.ts')).suite,
  'onnx-decoder': async () => (await import('./onnx-decoder.ts')).suite,
  memory: async () => (await import('./memory.ts')).suite,
}
