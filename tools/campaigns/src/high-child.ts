import './sources.ts'
import { createHash } from 'node:crypto'

// Prints digests of all streams, in kernel memory that is used from a place on: `node high-child.ts place`.
const place = Number(process.argv[2])
const { placeFrom } = await import('../../../packages/kernels/test/place-in-memory.ts')
if (place > 0) placeFrom(place)
const { STREAMS } = await import('./streams.ts')
const { filled } = await import('./subjects.ts')
const { randomOf } = await import('./random.ts')
const found: Record<string, string> = {}
for (const [name, make] of Object.entries(STREAMS)) {
  const stream = filled(make(), 400)
  const { max, mass, sum } = stream.attend(randomOf('high').matrix(9, stream.d))
  const hash = createHash('sha256').update(stream.toBytes())
  for (const { buffer, byteOffset, byteLength } of [max, mass, sum.data])
    hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  found[name] = hash.digest('hex').slice(0, 16)
}
console.log(JSON.stringify(found))
