/** Packages that Stryker's mutants are drawn from: their sources, and the tests that must find the mutants. What a package is for, those that stand on it try. */
const own = (name, others = []) => ({
  sources: `packages/${name}/src/**/*.ts`,
  tests: [`packages/${name}/test/**/*.test.ts`, ...others],
})

/** @type {Readonly<Record<string, { readonly sources: string, readonly tests: readonly string[] }>>} */
export const SAMPLED = {
  core: own('core', [
    'packages/ams-sketch/test/**/*.test.ts',
    'packages/exact-attention/test/{exact-stream,heads,method}.test.ts',
    'packages/attention/test/{attend,batch,ended,error-bars,heads,layer,layer-all-or-none,layer-checks,life,open-stream,restore-layer}.test.ts',
  ]),
  kernels: { ...own('kernels'), sources: 'packages/kernels/src/scalar/*.ts' },
  'exact-attention': own('exact-attention', ['packages/attention/test/{attend,error-bars,heads,layer}.test.ts']),
  'token-store': own('token-store', [
    'packages/kv-cache/test/{auto-snapshots,clusters,entropy-coded,fading,limits,policies,quantised-first,reservoir,tiers}.test.ts',
    'packages/attention/test/error-bars.test.ts',
  ]),
  'kv-cache': own('kv-cache', [
    'packages/attention/test/{auto-learning,auto-stream,auto-stream-budget,auto-stream-snapshots,auto-stream-stacks,ended,error-bars,measured,reachable-snapshots}.test.ts',
  ]),
  'hash-families': own('hash-families'),
  'sparse-recovery': own('sparse-recovery'),
}
