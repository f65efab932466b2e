import type { Plan, PlanError, Term } from './plan'

/** A float16 cache is off by about this, so for a larger ε it is exact enough. */
const FLOAT16_ERROR = 2 ** -10
/** How much better than averaging a summary must be to be worth a word. */
const WORTH = 0.95

type Decided = Pick<Plan, 'epsilon' | 'error' | 'cost' | 'baselines' | 'stream' | 'unit'>

/** Whether the summary is worth having, which term decides, and what to do instead. */
export function verdictOf(plan: Decided, budgetBytes: number): Pick<Plan, 'verdict' | 'decides' | 'advice'> {
  const { epsilon, error, cost, baselines, stream, unit } = plan
  const { bytes, cache, breakEven } = cost
  const reached = `${percent(error.total)} ${unit === 'relative' ? 'of the output' : 'of max |v|'}`
  if (error.total <= epsilon) {
    if (baselines.average <= epsilon) {
      return {
        verdict: 'dominated',
        decides: 'bytes',
        advice: `The mean of the values alone, for every query, is off by ${percent(baselines.average)}: answer with that.`,
      }
    }
    const half = epsilon >= FLOAT16_ERROR && bytes >= cache.float16
    if (half || bytes >= cache.float32) {
      const [kind, size, from] = half
        ? ['float16', cache.float16, breakEven.float16]
        : ['float32', cache.float32, breakEven.float32]
      return {
        verdict: 'dominated',
        decides: 'bytes',
        advice: `Keep the tokens: a ${kind} cache takes ${size} bytes, ${stream.name} ${bytes}; they pay from ${from} tokens on.`,
      }
    }
    return {
      verdict: 'ok',
      decides: largestTerm(error),
      advice: `Use ${stream.name}: ${bytes} bytes, off by ${reached}; a float16 cache takes ${cache.float16}.`,
    }
  }
  const instead =
    cache.float32 <= budgetBytes
      ? `keep the tokens (${cache.float32} bytes in float32, ${cache.float16} in float16)`
      : `raise the budget of ${budgetBytes} bytes, or keep a window of tokens and far keys`
  const decides = largestTerm(error)
  if (error.total >= WORTH * Math.min(baselines.zero, baselines.average)) {
    return {
      verdict: 'vacuous',
      decides,
      advice: `No summary that fits is better than ${baselines.average <= baselines.zero ? 'averaging the values' : 'answering 0'}: the best, ${stream.name}, is off by ${reached}; ${instead}.`,
    }
  }
  return {
    verdict: 'infeasible',
    decides,
    advice: `${percent(epsilon)} is out of reach: the best that fits, ${stream.name}, is off by ${reached}; ask for that, or ${instead}.`,
  }
}

function largestTerm({ polynomial, psi, phi, float32 }: PlanError): Term {
  const terms: [Term, number][] = [
    ['polynomial', polynomial],
    ['psi', psi],
    ['phi', phi],
    ['float32', float32],
  ]
  return terms.reduce((a, b) => (b[1] > a[1] ? b : a))[0]
}

const percent = (x: number) => `${Number((100 * x).toPrecision(2))} %`
