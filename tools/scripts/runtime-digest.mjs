/**
 * Digest of answers that every runtime must give, bit for bit, with the same kernels. The function uses standard JavaScript alone, so that it runs
 * wherever the packages do.
 *
 * @param load  gives the exports of @sublinear/attention
 * @returns {{ kernels: string, digest: string }}
 */
export function runtimeDigest(attention, { kernels }) {
  const { autoStream, exactAttention, exactStream, featureStream, gaussianSketch, normalise, quantised } = attention
  const { closureStream, policies, sketch, taylorFeatures, tiers } = attention
  const d = 16
  const shape = { d, dv: d, scale: 0.25 }
  const [keys, values, queries] = [rows(700, d, 37), rows(700, d, 61), rows(40, d, 83)]
  let hash = 0x811c9dc5
  const add = (data) => {
    for (const byte of new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  }
  add(exactAttention({ queries, keys, values, scale: 0.25 }).data)
  const store = quantised({ keyBits: 6, valueBits: 4 })
  const parts = [policies.sinks({ count: 4 }), policies.window({ count: 64, store }), policies.farKeys({ count: 64 })]
  const streams = [
    exactStream(shape),
    featureStream({ features: taylorFeatures({ d, degree: 2, scale: 0.25 }), dv: d }),
    tiers({ ...shape, parts: [...parts, closureStream] }),
    autoStream({ ...shape, budgetBytes: 24_000, tokens: 700 }),
    autoStream({ ...shape, budgetBytes: 12_000, tokens: 700, stack: inMetric(d) }),
  ]
  for (const stream of streams) {
    stream.push({ keys, values })
    add(normalise(stream.attend(queries)).data)
    add(stream.toBytes())
  }
  const learning = autoStream({ ...shape, budgetBytes: 12_000, tokens: 700, learn: true })
  add(normalise(learning.step({ keys, values }, rows(700, d, 83))).data)
  add(learning.toBytes())
  const projected = sketch(gaussianSketch({ m: 32, seed: 7 }), d)
  projected.push(keys)
  add(projected.state.data)
  return { kernels: kernels().name, digest: hash.toString(16).padStart(8, '0') }
}

/** Far keys and clusters in few bits, in a metric of queries of width d. */
const inMetric = (d) => ({
  window: 0,
  kept: [
    { by: 'farKeys', share: 0.5, keyBits: 6, valueBits: 4 },
    { by: 'clusters', share: 0.5, keyBits: 6, valueBits: 4 },
  ],
  rest: 'none',
  metric: Array.from({ length: d }, (_, i) =>
    Array.from({ length: i + 1 }, (_, j) => (i === j ? 100 - 3 * i : ((5 * i + 3 * j) % 41) - 20)),
  ).flat(),
})

const rows = (count, cols, step) => ({
  rows: count,
  cols,
  data: Float32Array.from({ length: count * cols }, (_, i) => ((i * step) % 1021) / 512 - 1),
})
