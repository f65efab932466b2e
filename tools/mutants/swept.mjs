/** Packages that Stryker's mutants are drawn from: their sources, and the tests that must find the mutants. */
const own = (name) => ({ sources: `packages/${name}/src/**/*.ts`, tests: [`packages/${name}/test/**/*.test.ts`] })

/** @type {Readonly<Record<string, { readonly sources: string, readonly tests: readonly string[] }>>} */
export const SWEPT = {
  core: own('core'),
  kernels: { ...own('kernels'), sources: 'packages/kernels/src/scalar/*.ts' },
  'exact-attention': own('exact-attention'),
  'token-store': own('token-store'),
  'kv-cache': own('kv-cache'),
  'hash-families': own('hash-families'),
  'sparse-recovery': own('sparse-recovery'),
}
