import { featuresBeyond } from '@sublinear/core'
import type { Plan, PlanError, Term } from './plan-types'

/** Error of a float16 cache, about: for a larger ε it is exact enough. */
const FLOAT16_ERROR = 2 ** -10
/** A summary is worth recommending where its error is below this share of that of averaging. */
const WORTH = 0.95

type Decided = Pick<Plan, 'epsilon' | 'budgetBytes' | 'error' | 'evidence' | 'cost' | 'baselines' | 'name' | 'unit'> &
  Pick<Plan, 'softcap' | 'sinkLogit' | 'considered'>
type Decision = Pick<Plan, 'verdict' | 'decides' | 'advice'>

/** Whether the choice is worth having, which term decides, and what to do instead; and what was left out. */
export function verdictOf(plan: Decided): Decision {
  const { advice, ...decision } = decisionOf(plan)
  return { ...decision, advice: advice + leftOut(plan) }
}

/** Says what a head beside plain softmax leaves out: formulas, and methods that cannot do it. */
function leftOut({ evidence, considered, ...head }: Decided): string {
  const features = featuresBeyond({ softcap: head.softcap, sinkLogit: head.sinkLogit }, [])
  if (features.length === 0) return ''
  const what = features.join(' and ')
  if (evidence === 'certified') return ` Of a head with ${what} nothing but its tokens is certified.`
  const unable = new Set(considered.filter(({ cannot }) => cannot).map(({ name }) => name))
  const methods = unable.size > 0 ? `, and ${unable.size} methods cannot do it` : ''
  return ` Formulas are of plain scores, so this head with ${what} was judged by runs alone${methods}.`
}

function decisionOf(plan: Decided): Decision {
  const { epsilon, error, evidence, cost, baselines, name } = plan
  const decides = largestTerm(error)
  const reached = `${percent(error.total)} ${plan.unit === 'relative' ? 'of the output' : 'of max |v|'} (${evidence})`
  const use = `Use ${name}: ${cost.bytes} bytes, off by ${reached}; a float16 cache takes ${cost.cache.float16}.`
  const isWorse = error.total >= WORTH * Math.min(baselines.zero, baselines.average)
  if (epsilon === null)
    return isWorse ? vacuous(plan, reached, decides) : (cacheInstead(plan) ?? { verdict: 'ok', decides, advice: use })
  if (error.total <= epsilon) {
    if (baselines.average <= epsilon)
      return {
        verdict: 'dominated',
        decides: 'bytes',
        advice: `The mean of the values alone, for every query, is off by ${percent(baselines.average)}: answer with that.`,
      }
    return cacheInstead(plan) ?? { verdict: 'ok', decides, advice: use }
  }
  if (isWorse) return vacuous(plan, reached, decides)
  const only = evidence === 'certified' ? 'Nothing is certified to reach' : 'Nothing that was tried reaches'
  return {
    verdict: 'infeasible',
    decides,
    advice: `${only} ${percent(epsilon)}: the best that fits, ${name}, is off by ${reached}; ask for that, or ${instead(plan)}.`,
  }
}

/** The verdict where a cache that is exact, or exact enough, is no larger; else undefined. */
function cacheInstead({ epsilon, cost: { bytes, cache, breakEven }, name }: Decided): Decision | undefined {
  const half = bytes >= cache.float16 && epsilon !== null && epsilon >= FLOAT16_ERROR
  if (!half && bytes < cache.float32) return undefined
  const [kind, size, from] = half
    ? ['float16', cache.float16, breakEven.float16]
    : ['float32', cache.float32, breakEven.float32]
  return {
    verdict: 'dominated',
    decides: 'bytes',
    advice: `Keep the tokens: a ${kind} cache takes ${size} bytes, ${name} ${bytes}; they pay from ${from} tokens on.`,
  }
}

function vacuous(plan: Decided, reached: string, decides: Term): Decision {
  const { baselines, name } = plan
  const trivial = baselines.average <= baselines.zero ? 'averaging the values' : 'answering 0'
  return {
    verdict: 'vacuous',
    decides,
    advice: `Nothing that fits is better than ${trivial}: the best, ${name}, is off by ${reached}; ${instead(plan)}.`,
  }
}

function instead({ cost: { cache }, budgetBytes, evidence }: Decided): string {
  const most = budgetBytes ?? Infinity
  const more = evidence === 'certified' ? ', or give a pilot, on which every method is tried' : ''
  return cache.float32 <= most
    ? `keep the tokens (${cache.float32} bytes in float32, ${cache.float16} in float16)${more}`
    : `raise the budget of ${most} bytes${more}`
}

function largestTerm({ polynomial = 0, psi = 0, phi = 0, float32 = 0, tokens }: PlanError): Term {
  if (tokens !== undefined) return 'measured'
  const terms: [Term, number][] = [
    ['polynomial', polynomial],
    ['psi', psi],
    ['phi', phi],
    ['float32', float32],
  ]
  return terms.reduce((a, b) => (b[1] > a[1] ? b : a))[0]
}

const percent = (x: number) => `${Number((100 * x).toPrecision(2))} %`
