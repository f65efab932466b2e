import { wrap, type Remote } from 'comlink'
import { useEffect, useRef, useState } from 'preact/hooks'
import { bytesText, countText } from '../page/format'
import type { PageState } from '../page/page-state'
import { sampleLog } from './sample-log'
import { Lemma } from './lemma'
import type { Counted, CountReport, SketchesApi } from './sketches-worker'

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
      <Lemma state={state} change={change} />
    </>
  )
}

function Counter({ remote }: { readonly remote: () => Remote<SketchesApi> }) {
  const [text, setText] = useState(() => sampleLog(20_000, 7))
  const [report, setReport] = useState<CountReport>()
  const [isCounting, setIsCounting] = useState(true)
  const [problem, setProblem] = useState<string>()
  useEffect(() => {
    let isWanted = true
    setIsCounting(true)
    const end = (show: () => void) => {
      if (!isWanted) return
      setIsCounting(false)
      show()
    }
    const timer = setTimeout(() => {
      remote()
        .count(text)
        .then(
          (found) => end(() => setReport(found)),
          (error: unknown) => end(() => setProblem(String(error))),
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
      {isCounting && (
        <p>
          <progress aria-label="Lines are counted" /> Counting.
        </p>
      )}
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
