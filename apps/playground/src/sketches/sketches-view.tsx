import { wrap, type Remote } from 'comlink'
import { useEffect, useRef, useState } from 'preact/hooks'
import { bytesText, countText } from '../page/format'
import type { PageState } from '../page/page-state'
import { sampleLog } from './sample-log'
import type { Counted, CountReport, LemmaReport, SketchesApi } from './sketches-worker'

const DELTA = 0.1
const TRIALS = 25
const ROUNDS = 16

interface Props {
  readonly state: PageState
  readonly change: (some: PageState, isStep?: boolean) => void
}

/** Shows sketches to people who have never heard of attention: counts of a log within few bytes, and a lemma that is checked while one watches. */
export function SketchesView({ state, change }: Props) {
  const api = useRef<Remote<SketchesApi> | undefined>(undefined)
  const remote = () =>
    (api.current ??= wrap<SketchesApi>(
      new Worker(new URL('./sketches-worker.ts', import.meta.url), { type: 'module' }),
    ))
  return (
    <>
      <section class="pitch">
        <h1>Totals and products from sketches of a few kilobytes</h1>
        <p>
          A sketch is a fixed number of random sums over a stream. It answers with bounds, and never stores the stream.
        </p>
      </section>
      <Counter remote={remote} />
      <Lemma remote={remote} state={state} change={change} />
    </>
  )
}

function Counter({ remote }: { readonly remote: () => Remote<SketchesApi> }) {
  const [text, setText] = useState(() => sampleLog(20_000, 7))
  const [report, setReport] = useState<CountReport>()
  const [problem, setProblem] = useState<string>()
  useEffect(() => {
    let isWanted = true
    const timer = setTimeout(() => {
      remote()
        .count(text)
        .then(
          (found) => isWanted && setReport(found),
          (error: unknown) => isWanted && setProblem(String(error)),
        )
    }, 200)
    return () => {
      isWanted = false
      clearTimeout(timer)
    }
  }, [text])
  return (
    <section aria-label="Frequent lines">
      <h2>Which lines come often?</h2>
      <label>
        Paste your own log, with one key in each line. It stays in this page.
        <textarea rows={6} spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {report && (
        <>
          <p>
            {countText(report.lines)} lines, {countText(report.different)} different. An exact table holds{' '}
            {bytesText(report.exactBytes)} and grows.
          </p>
          <div class="pair">
            <CountTable
              title="heavyHitters: lines may also be taken back"
              bytes={report.sketched.bytes}
              top={report.sketched.top}
            />
            <CountTable
              title="frequentItems: counts alone, bounds that always hold"
              bytes={report.frequent.bytes}
              top={report.frequent.top}
            />
          </div>
        </>
      )}
    </section>
  )
}

function CountTable({
  title,
  bytes,
  top,
}: {
  readonly title: string
  readonly bytes: number
  readonly top: readonly Counted[]
}) {
  return (
    <table>
      <caption>
        {title}. Held: {bytesText(bytes)}
      </caption>
      <thead>
        <tr>
          <th scope="col">line</th>
          <th scope="col">between</th>
          <th scope="col">truth</th>
        </tr>
      </thead>
      <tbody>
        {top.map(({ key, lower, upper, truth }) => (
          <tr key={key}>
            <th scope="row">{key.length > 40 ? `${key.slice(0, 39)}…` : key}</th>
            <td>
              {countText(lower)} and {countText(upper)}
            </td>
            <td class={lower <= truth && truth <= upper ? 'right' : 'wrong'}>
              {countText(truth)} {lower <= truth && truth <= upper ? '✓' : '✗'}
            </td>
          </tr>
        ))}
        {top.length === 0 && (
          <tr>
            <td colSpan={3}>No line comes often enough to be told from the others.</td>
          </tr>
        )}
      </tbody>
    </table>
  )
}

/** The inequality of Lemma 3.5 under two sliders, its failures counted over fresh matrices. */
function Lemma({ remote, state, change }: Props & { readonly remote: () => Remote<SketchesApi> }) {
  const epsilon = within(Number(state['epsilon']), 0.05, 0.5, 0.2)
  const share = within(Number(state['rows']), 0.01, 1, 1)
  const [found, setFound] = useState<LemmaReport>()
  useEffect(() => {
    const wanted = { is: true }
    setFound(undefined)
    const run = async () => {
      let all: LemmaReport = { rows: 0, trials: 0, failures: 0 }
      for (let round = 0; round < ROUNDS && wanted.is; round++) {
        const one = await remote().lemma({ epsilon, delta: DELTA, share, trials: TRIALS, first: 1 + round * TRIALS })
        all = { rows: one.rows, trials: all.trials + one.trials, failures: all.failures + one.failures }
        if (wanted.is) setFound(all)
      }
    }
    void run()
    return () => {
      wanted.is = false
    }
  }, [epsilon, share])
  return (
    <section aria-label="A lemma under a slider">
      <h2>Lemma 3.5, counted live</h2>
      <p>
        With ⌈2/(ε²δ)⌉ rows of random signs, the product of two sketches misses ⟨u, v⟩ by more than ε·|u|·|v| with
        probability at most δ = {DELTA}. The paper asks for log(1/δ)/ε² rows, which is false; take fewer rows and see.
      </p>
      <section class="controls">
        <label>
          <span>
            ε = <output>{epsilon}</output>
          </span>
          <input
            type="range"
            min="0.05"
            max="0.5"
            step="0.05"
            value={epsilon}
            onChange={(event) => change({ epsilon: event.currentTarget.value })}
          />
        </label>
        <label>
          <span>
            share of the rows that are needed: <output>{Math.round(100 * share)} %</output>
          </span>
          <input
            type="range"
            min="0.01"
            max="1"
            step="0.01"
            value={share}
            onChange={(event) => change({ rows: event.currentTarget.value })}
          />
        </label>
      </section>
      <p aria-live="polite">
        {found
          ? `${countText(found.rows)} rows: ${found.failures} failures in ${found.trials} fresh matrices, ${((100 * found.failures) / found.trials).toFixed(1)} %. Allowed: ${100 * DELTA} %.`
          : 'Counting …'}
      </p>
      {found && (
        <meter
          class={found.failures > DELTA * found.trials ? 'grows' : 'stays'}
          min="0"
          max={1}
          value={found.failures / found.trials}
          aria-label="share of failures"
        />
      )}
    </section>
  )
}

function within(value: number, least: number, most: number, usual: number): number {
  return value >= least && value <= most ? value : usual
}
