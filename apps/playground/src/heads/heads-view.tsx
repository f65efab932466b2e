import { useEffect, useState } from 'preact/hooks'
import { shareText } from '../page/format'
import type { PageState } from '../page/page-state'
import { Adviser, SHARES } from './adviser'
import type { DroppedFile } from './head-files'
import { Report } from './head-report'
import { KINDS, type Kind } from './sample-head'
import { useHead } from './use-head'
import { Working } from './working'
import './heads.css'

interface Props {
  readonly state: PageState
  readonly change: (some: PageState, isStep?: boolean) => void
}

/** A head of the visitor's own, or a sample: every method at equal bytes, the adviser's recipe, and the code of both. */
export function HeadsView({ state, change }: Props) {
  const kind = state['head'] && Object.hasOwn(KINDS, state['head']) ? (state['head'] as Kind) : 'peaked'
  const [files, setFiles] = useState<readonly DroppedFile[]>()
  const place = files ? state['at'] : undefined
  const share = SHARES.find((one) => shareText(one) === state['share']) ?? 1 / 8
  const { report, recipe, progress, problem, isStopped, advise, stop, again } = useHead(files ?? kind, place)
  const isAsked = state['recipe'] === 'yes'
  useEffect(() => {
    if (report && isAsked) advise(share)
  }, [report, isAsked, share])
  return (
    <>
      <section class="pitch">
        <h1>Your heads: every method at equal bytes</h1>
        <p>
          Drop queries, keys and values of one head (.npy, .npz or .safetensors, named q, k and v). Nothing leaves this
          page; of large files only the rows that are used are read.
        </p>
      </section>
      <section class="controls" aria-label="Whose head">
        <DropZone
          onFiles={(dropped) => {
            setFiles(dropped)
            change({ head: '', at: '', recipe: '' }, true)
          }}
        />
        <label>
          or a sample
          <select
            value={files ? '' : kind}
            onChange={(event) => {
              setFiles(undefined)
              change({ head: event.currentTarget.value, at: '' }, true)
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
        {files && report && report.heads.length > 1 && (
          <label>
            head
            <select value={report.head} onChange={(event) => change({ at: event.currentTarget.value }, true)}>
              {report.heads.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
      </section>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {isStopped && (
        <p role="status">
          Stopped. <button onClick={again}>Begin again</button>
        </p>
      )}
      {progress && !report && <Working progress={progress} stop={stop} />}
      {report && (
        <Report report={report}>
          <Adviser
            share={share}
            recipe={recipe}
            progress={progress}
            isAsked={isAsked}
            ask={() => change({ recipe: 'yes' }, true)}
            stop={() => {
              stop()
              change({ recipe: '' })
            }}
            choose={(one) => change({ share: shareText(one) }, true)}
          />
        </Report>
      )}
    </>
  )
}

function DropZone({ onFiles }: { readonly onFiles: (files: readonly DroppedFile[]) => void }) {
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
