/**
 * `pnpm --filter @sublinear/experiments run plan-predictions [count]`: what plan() predicts against what the planned stream is off by,
 * over configurations drawn by seeds 0, 1, …; writes results/plan-predictions.json. The planner was tuned on seeds from 10⁹ on.
 */
import { writeFileSync } from 'node:fs'
import { configuration, type Configuration } from './plan/configurations.ts'
import { measured } from './plan/measure.ts'

/** One configuration: predicted and measured relative error, and the measured one of the mean of the values. */
export interface Prediction extends Configuration {
  readonly stream: string
  readonly bytes: number
  readonly verdict: string
  readonly predicted: number
  readonly measured: number
  readonly average: number
}

/** Whether a prediction is within a factor 2. */
export const isNear = ({ predicted, measured }: Prediction): boolean =>
  predicted <= 2 * measured && measured <= 2 * predicted

/**
 * Whether a verdict misleads: 'ok' although the zero vector, the mean of the values or a float16 cache (which is off by 2⁻¹⁰) does as well.
 */
export function isMisled({ verdict, measured, average, bytes, n, d, dv, epsilon }: Prediction): boolean {
  const exactEnough = bytes >= 4 * n * (d + dv) || (epsilon >= 2 ** -10 && bytes >= 2 * n * (d + dv))
  return verdict === 'ok' && (measured >= 1 || measured >= average || average <= epsilon / 2 || exactEnough)
}

export function predict(seed: number): Prediction {
  const chosen = configuration(seed)
  const { plan, error, average } = measured(chosen)
  return {
    ...chosen,
    stream: plan.stream.name,
    bytes: plan.cost.bytes,
    verdict: plan.verdict,
    predicted: plan.error.total,
    measured: error,
    average,
  }
}

const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value)

if (import.meta.main) {
  const count = Number(process.argv[2] ?? 200)
  const all: Prediction[] = []
  for (let seed = 0; seed < count; seed++) {
    const one = predict(seed)
    all.push(one)
    const words = isMisled(one) ? 'misled' : isNear(one) ? '' : 'far'
    console.log(
      `${seed} ${one.stream}: predicted ${one.predicted.toPrecision(3)}, measured ${one.measured.toPrecision(3)}, ${one.verdict} ${words}`,
    )
  }
  const near = all.filter(isNear).length
  const misled = all.filter(isMisled).length
  writeFileSync(
    new URL('../results/plan-predictions.json', import.meta.url),
    `${JSON.stringify({ near, misled, predictions: all }, rounded, 2)}\n`,
  )
  console.log(`${near} of ${count} within a factor 2, ${misled} verdicts misled`)
}
