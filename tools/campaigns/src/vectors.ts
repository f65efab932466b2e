import './sources.ts'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * A snapshot of every kind in base64 with what is in it, docs/format-vectors.json, for another implementation to check itself by: `node tools/campaigns/src/vectors.ts`;
 * with `--check` it fails where the file differs.
 */
const file = fileURLToPath(new URL('../../../docs/format-vectors.json', import.meta.url))
const { decodeSnapshot } = await import('@sublinear/core')
const { KINDS } = await import('./published.ts')
const { SUBJECTS } = await import('./subjects.ts')

/** A number as JSON has it; NaN and the infinities as texts. */
const figure = (x: number | bigint) =>
  typeof x === 'bigint' || !Number.isFinite(x) ? String(x) : Object.is(x, -0) ? '-0' : x
/** Entries of a tensor that are listed, the first of them. */
const SHOWN = 8

/** The smallest snapshot of each kind among the things that the campaigns try. */
const smallest = new Map<string, Uint8Array>()
for (const subject of Object.values(SUBJECTS)) {
  const bytes = subject.make().toBytes()
  const { kind } = decodeSnapshot(bytes)
  if (bytes.length < (smallest.get(kind)?.length ?? Infinity)) smallest.set(kind, bytes)
}
const vectors = Object.fromEntries(
  Object.keys(KINDS)
    .filter((kind) => smallest.has(kind))
    .map((kind) => {
      const bytes = smallest.get(kind)!
      const { version, parameters, tensors } = decodeSnapshot(bytes)
      const read = Array.from(tensors, ([name, { dtype, shape, data }]) => [
        name,
        { dtype, shape, first: Array.from(data.slice(0, SHOWN) as Float64Array, figure), sum: figure(sumOf(data)) },
      ])
      return [
        kind,
        {
          version,
          parameters,
          tensors: Object.fromEntries(read) as object,
          base64: Buffer.from(bytes).toString('base64'),
        },
      ]
    }),
)

/** The sum of all entries, one after the other in float64. */
function sumOf(data: ArrayLike<number | bigint>): number {
  return Array.from(data).reduce<number>((sum, x) => sum + Number(x), 0)
}

const text = `${JSON.stringify(vectors, undefined, 1)}\n`
if (process.argv.includes('--check')) process.exitCode = readFileSync(file, 'utf8') === text ? 0 : 1
else writeFileSync(file, text)
