import type { Allocations } from '../allocations.ts'
import { outOfGrammar, told, type Attempt, type Campaign, type Outcome } from '../campaign.ts'
import { mutated } from '../mutate.ts'
import { SUBJECTS, type Subject } from '../subjects.ts'

/** Bytes that opening may ask for at once, and in all: TIMES those of the input and BESIDE more. */
const [TIMES, BESIDE] = [2, 2 ** 16]
const [TIMES_IN_ALL, BESIDE_IN_ALL] = [16, 2 ** 20]
/** CPU seconds that opening and using may take. */
const SECONDS = 2

/** CPU seconds of this thread. */
export const seconds = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1e6
}

export function snapshots(allocations: Allocations): Campaign {
  return {
    name: 'snapshots',
    about:
      'a changed snapshot is refused in the grammar, or opens to a state that answers without NaN and whose own snapshot opens; largest array ≤ 2 × input + 64 KiB, all ≤ 16 × input + 1 MiB, 2 s of CPU each',
    sample: 60,
    round: 1000,
    patience: 20,
    units: () => Object.keys(SUBJECTS),
    begin: (unit) => attemptsOf(SUBJECTS[unit], allocations),
  }
}

function attemptsOf(subject: Subject, allocations: Allocations): Attempt {
  const seed = subject.make().toBytes()
  subject.use(subject.open(seed)) // what a process makes only once is made before the count
  return (random) => tried(subject, mutated(random, seed), allocations)
}

/** Tries an input: refused in the grammar, or opened and used, within the bounds. */
export function tried(subject: Subject, input: Uint8Array, allocations: Allocations): Outcome {
  const fault = (finding: string, detail: string, outcome = 'accepted'): Outcome => ({
    outcome,
    finding,
    detail,
    input,
  })
  allocations.reset()
  const start = seconds()
  let opened: ReturnType<Subject['open']>
  try {
    opened = subject.open(input)
  } catch (error) {
    const why =
      outOfGrammar(error) ?? (error instanceof TypeError ? 'a TypeError where a RangeError is promised' : undefined)
    if (why) return fault(`refused, but ${why}`, told(error), 'refused')
    const costly = costOf(allocations, input.length, seconds() - start)
    return costly
      ? fault(`refused, but ${costly[0]}`, `${costly[1]}; ${told(error)}`, 'refused')
      : { outcome: 'refused' }
  }
  const costly = costOf(allocations, input.length, seconds() - start)
  if (costly) return fault(`opened, but ${costly[0]}`, costly[1])
  return used(subject, opened, fault)
}

/** Says which bound opening broke, and by how much; undefined where it kept to both. */
function costOf({ largest, total }: Allocations, length: number, took: number): readonly [string, string] | undefined {
  if (largest > TIMES * length + BESIDE)
    return ['with an array beyond the bound', `${largest} bytes at once of ${length}`]
  if (total > TIMES_IN_ALL * length + BESIDE_IN_ALL)
    return ['with arrays beyond the bound', `${total} bytes in all of ${length}`]
  if (took > SECONDS) return ['slowly', `${took.toFixed(1)} s`]
  return undefined
}

function used(
  subject: Subject,
  opened: ReturnType<Subject['open']>,
  fault: (finding: string, detail: string) => Outcome,
): Outcome {
  let doing = 'saved'
  try {
    const own = opened.toBytes()
    doing = 'opened again'
    const again = subject.open(own)
    if (Buffer.compare(again.toBytes(), own) !== 0) return fault('its own snapshot opens to another state', '')
    doing = 'used'
    const start = seconds()
    const answers = subject.use(opened)
    const took = seconds() - start
    if (took > SECONDS) return fault('slow in use', `${took.toFixed(1)} s`)
    for (const [i, answer] of answers.entries())
      for (let j = 0; j < answer.length; j++) {
        if (Number.isNaN(answer[j])) return fault('NaN in an answer', `array ${i}`)
        if (subject.isStream && answer[j] === Infinity) return fault('Infinity in an answer', `array ${i}`)
        if (subject.isStream && i % 3 === 1 && answer[j] < 0) return fault('a negative mass', `${answer[j]}`)
      }
    doing = 'opened after use'
    const after = subject.open(opened.toBytes())
    for (const one of [again, opened, after]) (one as Partial<Disposable>)[Symbol.dispose]?.()
    return { outcome: 'accepted' }
  } catch (error) {
    const why = outOfGrammar(error)
    if (doing === 'used' && why === undefined && error instanceof RangeError)
      return { outcome: 'accepted, and refuses in use' }
    return fault(
      `accepted, and ${doing === 'used' ? `throws in use: ${why ?? 'a TypeError'}` : `its own snapshot cannot be ${doing}`}`,
      told(error),
    )
  }
}
