// Streams of every kind give the same bits wherever in the kernels' memory they lie: at the bottom, across 2 GiB, above it. Kills: an address in a signed
// 32-bit number. (With the one that stood in dotColumns feature streams answer otherwise.)
import { expect, test, vi } from 'vitest'

const MIDDLE = 2 ** 31

/** Digests of all streams, in memory of their own that is used from this place on. */
async function digestsFrom(place: number): Promise<Record<string, string>> {
  vi.resetModules()
  if (place > 0) (await import('../../../kernels/test/place-in-memory')).placeFrom(place)
  const { digest, tokens } = await import('../unchanged/digest')
  const { SHAPE, streams } = await import('../unchanged/streams')
  const input = tokens({ n: 400, ...SHAPE })
  return Object.fromEntries(
    Object.entries(streams).map(([name, make]) => [name, digest(make, input, [1, 7, 130, 2], 'step')]),
  )
}

test('across 2 GiB, and above', { timeout: 120_000 }, async () => {
  const low = await digestsFrom(0)
  expect(await digestsFrom(MIDDLE - 2 ** 12)).toEqual(low)
  expect(await digestsFrom(MIDDLE - 2 ** 16)).toEqual(low)
  expect(await digestsFrom(MIDDLE)).toEqual(low)
})
