import { proxy, wrap, type Remote } from 'comlink'
import { useEffect, useRef, useState } from 'preact/hooks'
import { countText } from '../page/format'
import type { PageState } from '../page/page-state'
import type { HeadReport, HeadsApi } from './heads-worker'
import { KINDS, type Kind } from './sample-head'

interface Props {
  readonly state: PageState
  readonly change: (some: PageState, isStep?: boolean) => void
}

/** Shows a head of the visitor's own, or a sample: every method at equal bytes, and the code of the best. */
export function HeadsView({ state, change }: Props) {
  const kind = state['head'] && Object.hasOwn(KINDS, state['head']) ? (state['head'] as Kind) : 'peaked'
  const [files, setFiles] = useState<readonly File[]>()
  const { report, progress, problem } = useBoard(files ?? kind)
  return (
    <>
      <section class="pitch">
        <h1>Your heads: every method at equal bytes</h1>
        <p>
          Drop queries, keys and values of one head (.npy, .npz or .safetensors, named q, k and v). Nothing leaves this
          page; of large .npy files only the first rows are read.
        </p>
      </section>
      <section class="controls" aria-label="Whose head">
        <DropZone onFiles={setFiles} />
        <label>
          or a sample
          <select
            value={files ? '' : kind}
            onChange={(event) => {
              setFiles(undefined)
              change({ head: event.currentTarget.value }, true)
            }}
          >
            {files && <option value="">your files</option>}
            {Object.entries(KINDS).map(([name, said]) => (
              <option key={name} value={name}>
                {name}: {said}
              </option>
            ))}
          </select>
        </label>
      </section>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {progress && (
        <p>
          <progress max={progress.total} value={progress.done} aria-label="Cells of the board" /> {progress.done} of{' '}
          {progress.total} cells
        </p>
      )}
      {report && <Report report={report} />}
    </>
  )
}

function DropZone({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  const [isOver, setIsOver] = useState(false)
  return (
    <label
      class={isOver ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault()
        setIsOver(true)
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setIsOver(false)
        onFiles([...(event.dataTransfer?.files ?? [])])
      }}
    >
      Drop files here, or choose them
      <input
        type="file"
        multiple
        accept=".npy,.npz,.safetensors"
        onChange={(event) => onFiles([...(event.currentTarget.files ?? [])])}
      />
    </label>
  )
}

function Report({ report }: { readonly report: HeadReport }) {
  const shares = [...new Set(report.ratings.map(({ share }) => share))]
  const names = [...new Set(report.ratings.map(({ stream }) => stream))]
  const errorOf = (name: string, share: number) =>
    report.ratings.find((one) => one.stream === name && one.share === share)?.error
  const bestOf = (share: number) => Math.min(...names.map((name) => errorOf(name, share) ?? Infinity))
  const isHopeless = shares.every((share) => share > 1 / 16 || bestOf(share) > 0.5)
  const winner = names.reduce((a, b) => ((errorOf(a, 1 / 8) ?? Infinity) <= (errorOf(b, 1 / 8) ?? Infinity) ? a : b))
  return (
    <section aria-label="Result">
      <h2>What kind of head</h2>
      <p>
        {countText(report.rows)} tokens, keys of {report.d} and values of {report.dv} numbers. Largest score{' '}
        {report.largestScore.toFixed(1)}; the token that a query looks at most receives {Math.round(100 * report.peak)}{' '}
        % of it, in the median.
      </p>
      <h2>Error of the answers, at shares of the exact cache</h2>
      <p>
        Errors are relative to the exact answers, over the last 256 queries. The mean of all values, which needs no
        memory, is off by {percent(report.meanError)}.
      </p>
      <Chart report={report} />
      <div class="scrolls">
        <table>
          <thead>
            <tr>
              <th scope="col">method</th>
              {shares.map((share) => (
                <th scope="col" key={share}>
                  1/{1 / share}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {shares.map((share) => {
                  const error = errorOf(name, share)
                  return (
                    <td key={share} class={error !== undefined && error === bestOf(share) ? 'right' : ''}>
                      {error === undefined
                        ? 'does not fit'
                        : `${percent(error)}${error === bestOf(share) ? ' best' : ''}`}
                    </td>
                  )
                })}
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
      <h2>The code of the best at 1/8</h2>
      <pre>
        <code>{codeOf(winner, report)}</code>
      </pre>
    </section>
  )
}

function codeOf(name: string, { rows, d, dv }: HeadReport): string {
  return [
    `import { catalogue } from '@sublinear/attention'`,
    ``,
    `const method = catalogue.find(({ name }) => name === '${name}')`,
    `const shape = { d: ${d}, dv: ${dv}, scale: 1 / Math.sqrt(${d}) }`,
    `const options = method.within(shape, ${Math.round((4 * (d + dv) * rows) / 8)}, { tokens: ${rows} })`,
    `const stream = method.make(shape, options)`,
    `// stream.step({ keys, values }, queries) answers block by block`,
  ].join('\n')
}

const percent = (error: number) =>
  error >= 10 ? `${Number(error.toPrecision(2))} times` : `${Number((100 * error).toPrecision(2))} %`

/** Draws error against bytes, one line for each method, named where it ends. */
function Chart({ report }: { readonly report: HeadReport }) {
  const place = useRef<HTMLElement>(null)
  useEffect(() => {
    let isWanted = true
    void import('../page/error-chart').then(({ errorChart }) => {
      if (isWanted && place.current) place.current.replaceChildren(errorChart(report))
    })
    return () => {
      isWanted = false
    }
  }, [report])
  return <figure ref={place} class="chart" />
}

/** Computes the board of what is chosen in a worker; a new choice ends the old computation. */
function useBoard(from: readonly File[] | Kind) {
  const [found, setFound] = useState<{
    report?: HeadReport
    progress?: { done: number; total: number }
    problem?: string
  }>({})
  useEffect(() => {
    const worker = new Worker(new URL('./heads-worker.ts', import.meta.url), { type: 'module' })
    const remote: Remote<HeadsApi> = wrap<HeadsApi>(worker)
    setFound({ progress: { done: 0, total: 1 } })
    remote
      .board(
        from,
        proxy((done: number, total: number) => setFound({ progress: { done, total } })),
      )
      .then(
        (report) => setFound({ report }),
        (error: unknown) => setFound({ problem: error instanceof Error ? error.message : String(error) }),
      )
    return () => worker.terminate()
  }, [from])
  return found
}
