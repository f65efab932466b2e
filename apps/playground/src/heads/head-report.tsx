import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { countText, shareText } from '../page/format'
import { CodeBlock } from './code-block'
import { intervalText, percent } from './error-text'
import type { HeadReport, Rating } from './heads-worker'
import { methodCode } from './recipe-code'

const WHAT: Readonly<Record<HeadReport['kind'], string>> = {
  sharp: 'Sharp: a query looks at few tokens. Methods that keep the right tokens do well.',
  'bounded and diffuse': 'Bounded and diffuse: every token counts a little. Summaries do well.',
  'diffuse with far keys':
    'Diffuse, with far keys: most tokens count a little, and some keys stand far out. Keep those, and sum up the rest.',
}

/** Kind of a head, the board of its errors with intervals, and the code of the best method. */
export function Report({ report, children }: { readonly report: HeadReport; readonly children: ComponentChildren }) {
  const { ratings, rows, rowsThere } = report
  const shares = [...new Set(ratings.map(({ share }) => share))]
  const names = [...new Set(ratings.map(({ stream }) => stream))]
  const errorOf = (name: string, share: number) => ratings.find((one) => one.stream === name && one.share === share)
  const bestOf = (share: number) =>
    ratings
      .filter((one) => one.share === share)
      .reduce<Rating | undefined>((a, b) => (a && a.error <= b.error ? a : b), undefined)
  const isHopeless = shares.every((share) => share > 1 / 16 || (bestOf(share)?.error ?? 1) > 0.5)
  const winner = bestOf(1 / 8)?.stream
  return (
    <section aria-label="What came out">
      <h2>What kind of head</h2>
      <p>{WHAT[report.kind]}</p>
      <p>
        {countText(rows)} tokens{rowsThere > rows && ` of ${countText(rowsThere)}`}, keys of {report.d} and values of{' '}
        {report.dv} numbers. A query spreads over {countText(Math.max(1, report.effectiveKeys))} of them; the largest
        receives {Math.round(100 * report.peak)} %, in the median. Largest score {report.largestScore.toFixed(1)}.
      </p>
      <h2>Error of the answers, at shares of the exact cache</h2>
      <p>
        Relative to the exact answers, over the last 256 queries. Brackets: the 95 % interval, since these are a sample
        of the queries to come. The mean of all values, which needs no memory, is off by {percent(report.meanError)}.
      </p>
      <Chart report={report} />
      <div class="scrolls" tabIndex={0} role="region" aria-label="Errors by method">
        <table>
          <thead>
            <tr>
              <th scope="col">method</th>
              {shares.map((share) => (
                <th scope="col" key={share}>
                  {shareText(share)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {shares.map((share) => (
                  <Cell key={share} rating={errorOf(name, share)} best={bestOf(share)} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {isHopeless && (
        <p class="problem">
          From 1/16 down no method answers this head: its queries look for single tokens, and those are gone. Keep it
          exact.
        </p>
      )}
      {winner && (
        <>
          <h2>The code of the best at 1/8</h2>
          <CodeBlock code={methodCode(winner, report)} />
        </>
      )}
      {children}
    </section>
  )
}

/** An error with its interval. The best is named so where no other's interval reaches it. */
function Cell({ rating, best }: { readonly rating: Rating | undefined; readonly best: Rating | undefined }) {
  if (!rating) return <td>does not fit</td>
  const isBest = rating === best
  const isAmong =
    !isBest && best?.interval !== undefined && rating.interval !== undefined && rating.interval[0] <= best.interval[1]
  return (
    <td class={isBest ? 'right' : ''}>
      {percent(rating.error)}
      {isBest ? ' best' : isAmong ? ' as good' : ''}
      <span class="interval">{intervalText(rating.interval)}</span>
    </td>
  )
}

/** Width of the chart where there is room; its letters keep their size where there is less. */
const MOST_WIDTH = 760

/** Error against bytes, one line a method, named where it ends. */
function Chart({ report }: { readonly report: HeadReport }) {
  const place = useRef<HTMLElement>(null)
  useEffect(() => {
    const figure = place.current
    if (!figure) return
    let drawn = 0
    const draw = () => {
      const width = Math.min(MOST_WIDTH, figure.clientWidth)
      if (width === drawn || width === 0) return
      drawn = width
      void import('../page/error-chart').then(({ errorChart }) => {
        if (drawn === width) figure.replaceChildren(errorChart(report, width))
      })
    }
    const watch = new ResizeObserver(draw)
    watch.observe(figure)
    return () => {
      drawn = 0
      watch.disconnect()
    }
  }, [report])
  return <figure ref={place} class="chart" />
}
