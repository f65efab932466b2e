// 5 GiB in one synchronous task, in which no finalizer runs, where the kernels can address 4. Kills: memory that grows with every stream dropped.
import { random } from '@sublinear/laws'
import { expect, test } from 'vitest'
import { exactStream, featureStream, taylorFeatures } from '../../src'

test(
  '2,500 streams of 2 MiB that nobody keeps, one after another, do not run out of the kernels’ memory',
  { timeout: 120_000 },
  () => {
    const kept = exactStream({ d: 4, dv: 4, scale: 0.5 })
    const [keys, values] = [random(64, 4, 1), random(64, 4, 2)]
    kept.push({ keys, values })
    const before = kept.toBytes()
    const features = taylorFeatures({ d: 12, degree: 4, scale: 0.3 }) // 1820 features
    let bytes = 0
    for (let i = 0; i < 2500; i++) bytes = featureStream({ features, dv: 280 }).bytes
    expect(bytes).toBeGreaterThan(2 ** 21)
    expect(kept.toBytes()).toEqual(before)
    expect(process.memoryUsage().rss).toBeLessThan(4 * 2 ** 30)
  },
)
