import { KEY_WORDS } from '@sublinear/small-lm'
import { useEffect, useMemo, useState } from 'preact/hooks'
import excerptUrl from './excerpt.txt?url'
import { bytesText, countText, shareText } from '../page/format'
import type { PageState } from '../page/page-state'
import { Book } from './book'
import { METHODS, SAID } from './method-names'
import { needlesIn, needlesText, nextNeedle, type PlacedNeedle } from './needles'
import type { Progress } from './reading-worker'
import { useRecorded } from './recorded'
import { MODELS, useReading, type Answers } from './use-reading'
import { MANY, SHARES, USUAL } from './usual'

interface Props {
  readonly state: PageState
  readonly change: (some: PageState, isStep?: boolean) => void
}

/** Shows a book that several methods read side by side, words planted in it, and what each method remembers of them. */
export function ReadingView({ state, change }: Props) {
  const modelName = state['model'] && Object.hasOwn(MODELS, state['model']) ? state['model'] : USUAL.model
  const shareAt = Math.min(SHARES.length - 1, Math.max(0, Number(state['share'] ?? USUAL.share) || 0))
  const [text, setText] = useState('')
  const needles = useMemo(() => needlesIn(state['needles'] ?? USUAL.needles, text), [state['needles'], text])
  const times = state['times'] === String(MANY) ? MANY : 1
  const live = useReading({ modelName, text, needles, share: SHARES[shareAt], times })
  const { problem, ask } = live
  const isUsual = Object.entries(USUAL).every(([name, value]) => (state[name] ?? value) === value)
  const recorded = useRecorded(isUsual && !live.progress)
  const progress = live.progress ?? recorded?.progress
  const answers = live.answers ?? recorded?.answers
  useEffect(() => {
    void fetch(excerptUrl)
      .then((response) => response.text())
      .then((excerpt) => setText(excerpt.trim()))
  }, [])
  const plant = (at: number) =>
    change({ needles: needlesText([...needles, nextNeedle(KEY_WORDS, needles, at)].slice(-6)) }, true)
  const isOver = live.progress !== undefined && live.progress.tokens === live.progress.total

  return (
    <>
      <section class="pitch">
        <h1>A language model reads a book twice. One cache grows, the other stays.</h1>
        <p>
          Both run here, in your browser. Click a word of the book to plant a number behind it, then ask for the number.
          A slider changes the memory.
        </p>
      </section>
      <section class="controls" aria-label="What is read, and within how many bytes">
        <label>
          <span>
            Bytes: <b>{shareText(SHARES[shareAt])}</b> of the exact cache
          </span>
          <input
            type="range"
            min="0"
            max={SHARES.length - 1}
            step="1"
            value={shareAt}
            aria-valuetext={`${shareText(SHARES[shareAt])} of the exact cache`}
            onChange={(event) => change({ share: event.currentTarget.value })}
          />
        </label>
        <label>
          Model
          <select value={modelName} onChange={(event) => change({ model: event.currentTarget.value })}>
            <option value="sharp">sharp: looks for single words</option>
            <option value="bounded">bounded: no score above 6</option>
          </select>
        </label>
        <label>
          Reads
          <select value={times} onChange={(event) => change({ times: event.currentTarget.value }, true)}>
            <option value={1}>the book once</option>
            <option value={MANY}>{MANY} times: 50,000 tokens, without the exact cache</option>
          </select>
        </label>
        <PlantForm plant={(share) => plant(Math.floor(share * (text.length - 1)))} isReady={text !== ''} />
      </section>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <Gauges progress={progress} share={SHARES[shareAt] / times} isRecorded={!live.progress} />
      <section class="questions" aria-label="Questions">
        <h2>What does each remember?</h2>
        <p>
          {needles.map(({ word, value }) => (
            <button type="button" key={word} onClick={() => void ask(word)} disabled={!live.progress}>
              {word} <span class="quiet">was {value}</span>
            </button>
          ))}
          {needles.length > 0 && (
            <button type="button" class="plain" onClick={() => change({ needles: 'none' }, true)}>
              remove all
            </button>
          )}
        </p>
        <Lanes progress={progress} answers={answers} needles={needles} />
        <p class="quiet">
          {isOver ? 'Read to the end.' : 'It may be asked while it reads.'} A question is a trial: the reader goes on as
          if it had not been asked.
        </p>
      </section>
      <Book text={text} needles={needles} letters={progress?.letters ?? 0} plant={plant} />
    </>
  )
}

function PlantForm({ plant, isReady }: { readonly plant: (share: number) => void; readonly isReady: boolean }) {
  const [percent, setPercent] = useState(50)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        plant(percent / 100)
      }}
    >
      <label>
        Plant a word at % of the text
        <input
          type="number"
          min="0"
          max="100"
          value={percent}
          onInput={(event) => setPercent(Math.min(100, Math.max(0, Number(event.currentTarget.value) || 0)))}
        />
      </label>
      <button disabled={!isReady}>Plant</button>
    </form>
  )
}

interface GaugesProps {
  readonly progress: Progress | undefined
  readonly share: number
  readonly isRecorded: boolean
}

/** Draws two bars on one scale: the exact cache at the end of the text is the whole width. */
function Gauges({ progress, share, isRecorded }: GaugesProps) {
  const whole = progress ? (progress.cacheBytes * progress.total) / Math.max(1, progress.tokens) : 1
  const held = progress?.lanes.find(({ name }) => name === 'auto')?.bytes ?? 0
  const rows = [
    { name: 'exact cache', bytes: progress?.cacheBytes ?? 0, kind: 'grows' },
    { name: 'bounded stream (auto)', bytes: held, kind: 'stays' },
  ]
  return (
    <section class="gauges" aria-label="Bytes held now">
      {rows.map(({ name, bytes, kind }) => (
        <div key={name} class="gauge">
          <span class="name">{name}</span>
          <meter class={kind} min="0" max={whole} value={bytes} aria-label={name} />
          <span class="bytes">{progress ? bytesText(bytes) : 'waits for the model, 3.8 MB'}</span>
        </div>
      ))}
      <p class="quiet">
        {progress
          ? `${countText(progress.tokens)} of ${countText(progress.total)} tokens read; ${bytesText(whole * share)} are allowed, ${bytesText(whole)} would be needed.${isRecorded ? ' This is a recording, until the model (3.8 MB) is loaded.' : ''}`
          : 'The model reads as soon as it is loaded.'}
      </p>
      {progress?.tokens !== progress?.total || isRecorded ? (
        <progress max={progress?.total} value={progress?.tokens} aria-label="Tokens read" />
      ) : undefined}
    </section>
  )
}

interface LanesProps {
  readonly progress: Progress | undefined
  readonly answers: Answers | undefined
  readonly needles: readonly PlacedNeedle[]
}

/** Why a method has no lane. */
const absent = (name: string) => (name === 'exact' ? 'left out' : 'does not fit')

function Lanes({ progress, answers, needles }: LanesProps) {
  const isAsked = answers?.all.length === 0
  const right = needles.find(({ word }) => word === answers?.word)?.value
  return (
    <div class="scrolls">
      <table>
        <thead>
          <tr>
            <th scope="col">method</th>
            <th scope="col">bytes now</th>
            <th scope="col">tokens a second</th>
            <th scope="col">{answers ? `says of ${answers.word}` : 'says'}</th>
          </tr>
        </thead>
        <tbody>
          {METHODS.map((name) => {
            const lane = progress?.lanes.find((one) => one.name === name)
            const said = answers?.all.find((one) => one.name === name)?.said
            return (
              <tr key={name}>
                <th scope="row">
                  {name}
                  <span class="said">{SAID[name]}</span>
                </th>
                <td>{lane ? bytesText(lane.bytes) : progress ? absent(name) : '…'}</td>
                <td>
                  {lane?.ms !== undefined && progress
                    ? countText((1000 * progress.tokens) / Math.max(1, lane.ms))
                    : '…'}
                </td>
                <td class={said === undefined ? '' : said === right ? 'right' : 'wrong'} aria-live="polite">
                  {said === undefined
                    ? isAsked && lane
                      ? '…'
                      : ''
                    : `${said} ${said === right ? '✓ right' : '✗ wrong'}`}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}
