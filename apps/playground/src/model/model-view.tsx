import { useEffect, useRef, useState } from 'preact/hooks'
import { bytesText, countText, shareText } from '../page/format'
import type { PageState } from '../page/page-state'
import { REMEMBERS, type Remembers } from './head-streams'
import type { Given, Said } from './model-worker'
import './model.css'
import { useModel, type Line } from './use-model'

const SHARES = [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]
const CONTEXTS = [1024, 4096, 16_384, 65_536]
/** Most tokens of an answer. */
const MOST = 64
const SAMPLE = 'small-model/'
/** Words that the small model was trained to answer. */
const FIRST = '(remember falcon 4821) The evening was calm, and the road was long. (recall falcon'
const SAID: Readonly<Record<Remembers, string>> = {
  auto: 'a stack chosen for the bytes',
  exact: 'everything, in float32',
  quantised: 'every token, in few bits',
  streamingLlm: 'the first and the newest tokens',
  snapKv: 'what recent queries looked at',
  endless: 'first tokens, far keys and newest tokens, at bounded distances',
}

interface Props {
  readonly state: PageState
  readonly change: (some: PageState, isStep?: boolean) => void
}

/** Shows a talk with a model of the visitor's own, in ONNX, within a budget of bytes. */
export function ModelView({ state, change }: Props) {
  const asked = state['remembers'] as Remembers
  const name = REMEMBERS.includes(asked) ? asked : 'auto'
  const share = SHARES[Math.min(SHARES.length - 1, Math.max(0, Number(state['share'] ?? 2) || 0))]
  const context = CONTEXTS.find((one) => String(one) === state['context']) ?? 4096
  const { state: now, opened, lines, said, problem, open, say, stop } = useModel(name, { context, share })
  const [given, setGiven] = useState<readonly Given[]>([])
  const isBusy = now === 'opening' || now === 'saying'
  const isSample = state['opens'] === 'small'
  // A link to the small model opens it; a folder of the visitor's own has no address.
  useEffect(() => {
    if (!isSample) return
    setGiven([])
    void open(new URL(SAMPLE, location.href.split('#')[0]).href)
  }, [isSample])
  return (
    <>
      <section class="pitch">
        <h1>Your model, within a budget of bytes</h1>
        <p>
          Choose the folder of a decoder in ONNX, with config.json, tokenizer.json, onnx/model.onnx and its data. It
          runs here, by onnxruntime-web, and each of its heads remembers through a stream. Nothing leaves this page.
        </p>
      </section>
      <section class="controls" aria-label="Which model, and what it may remember">
        <label>
          A model's folder
          <input
            type="file"
            multiple
            disabled={isBusy}
            {...{ webkitdirectory: true }}
            onChange={(event) => {
              const files = pathsOf(event.currentTarget.files)
              change({ opens: '' })
              setGiven(files)
              void open(files)
            }}
          />
        </label>
        <button type="button" disabled={isBusy} onClick={() => change({ opens: 'small' }, true)}>
          or the small model of this project, 12 MB
        </button>
        {opened && given.length > 0 && opened.graphs.length > 1 && (
          <label>
            Graph
            <select disabled={isBusy} onChange={(event) => void open(given, event.currentTarget.value)}>
              {opened.graphs.map((graph) => (
                <option key={graph}>{graph}</option>
              ))}
            </select>
          </label>
        )}
        <label>
          Remembers
          <select
            value={name}
            disabled={isBusy}
            onChange={(event) => change({ remembers: event.currentTarget.value }, true)}
          >
            {REMEMBERS.map((one) => (
              <option key={one} value={one}>
                {one}: {SAID[one]}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>
            Bytes: <b>{name === 'exact' ? 'all' : shareText(share)}</b> of the exact cache
          </span>
          <input
            type="range"
            min="0"
            max={SHARES.length - 1}
            step="1"
            disabled={isBusy || name === 'exact'}
            value={SHARES.indexOf(share)}
            aria-valuetext={`${shareText(share)} of the exact cache`}
            onChange={(event) => change({ share: event.currentTarget.value })}
          />
        </label>
        <label>
          in a conversation of
          <select
            value={context}
            disabled={isBusy}
            onChange={(event) => change({ context: event.currentTarget.value }, true)}
          >
            {CONTEXTS.map((tokens) => (
              <option key={tokens} value={tokens}>
                {countText(tokens)} tokens
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
      {now === 'opening' && (
        <p>
          <progress aria-label="Opening the model" /> The runtime and the model are fetched, then 16 tokens are compared
          with the whole graph.
        </p>
      )}
      {opened && (
        <>
          <p>
            {opened.layers} layers, {opened.heads} query heads over {opened.kvHeads}
            {opened.windows > 0 && `, ${opened.windows} layers that have a window`}; {countText(opened.vocabulary)}{' '}
            tokens in the vocabulary.{' '}
            {opened.hasTemplate
              ? 'It has a chat template.'
              : 'It has no chat template, so it continues the text that you write.'}
          </p>
          <Talk lines={lines} />
          <Status said={said} />
          <SayForm isBusy={isBusy} say={(words) => void say(words, MOST)} stop={() => void stop()} />
        </>
      )}
    </>
  )
}

/** The files of a chosen folder, by their paths below it. */
function pathsOf(files: FileList | null): Given[] {
  return [...(files ?? [])].map((file) => ({
    path: (file.webkitRelativePath || file.name).replace(/^[^/]+\//, ''),
    file,
  }))
}

function Talk({ lines }: { readonly lines: readonly Line[] }) {
  return (
    <section class="talk" role="log" aria-label="The talk" tabIndex={0}>
      {lines.map(({ who, text }, i) => (
        <p key={i} class={who}>
          <b>{who === 'you' ? 'You' : 'Model'}</b> {text}
        </p>
      ))}
    </section>
  )
}

function Status({ said }: { readonly said: Said | undefined }) {
  if (!said) return <p class="quiet">Nothing is read yet.</p>
  const { tokens, bytes, cacheBytes, rate, isReading } = said
  return (
    <p class="status" data-tokens={tokens}>
      {countText(tokens)} tokens {isReading ? 'read, and reading' : 'of talk'}; {bytesText(bytes)} held, where an exact
      cache holds {bytesText(cacheBytes)}; {rate >= 10 ? countText(rate) : rate.toFixed(1)} tokens a second.
    </p>
  )
}

interface SayProps {
  readonly isBusy: boolean
  readonly say: (words: string) => void
  readonly stop: () => void
}

function SayForm({ isBusy, say, stop }: SayProps) {
  const words = useRef<HTMLTextAreaElement>(null)
  return (
    <form
      class="say"
      onSubmit={(event) => {
        event.preventDefault()
        const text = words.current?.value ?? ''
        if (text.trim() !== '') say(text)
      }}
    >
      <label>
        You say
        <textarea ref={words} rows={4} defaultValue={FIRST} />
      </label>
      {isBusy ? (
        <>
          <progress aria-label="The model reads, then answers" />
          <button type="button" onClick={stop}>
            Stop
          </button>
        </>
      ) : (
        <button>Say</button>
      )}
    </form>
  )
}
