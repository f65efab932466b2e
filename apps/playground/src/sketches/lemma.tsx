import { lemmaView, settingsOf, statementOf, statements, type LemmaView } from '@sublinear/lemmas'
import '@sublinear/lemmas/lemma.css'
import { useEffect, useRef } from 'preact/hooks'
import type { PageState } from '../page/page-state'

interface Props {
  readonly state: PageState
  readonly change: (some: PageState, isStep?: boolean) => void
}

const USUAL = 'ams-products'

/** Shows a statement of the papers with its failures counted; which statement, and its settings, are in the address. */
export function Lemma({ state, change }: Props) {
  const statement = statementOf(state['lemma']) ?? statementOf(USUAL)!
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<LemmaView | undefined>(undefined)
  useEffect(() => {
    const own = lemmaView(statement, (name, value) => change({ [name]: String(value) }))
    view.current = own
    place.current?.replaceChildren(own.element)
    return () => own.close()
  }, [statement])
  useEffect(() => view.current?.set(settingsOf(statement, state)), [statement, state])
  const choose = (lemma: string) =>
    change({ ...Object.fromEntries(statement.controls.map(({ name }) => [name, ''])), lemma }, true)
  return (
    <section aria-label="A lemma under sliders">
      <h2>A lemma, counted live</h2>
      <p>
        <label>
          Statement{' '}
          <select value={statement.name} onChange={(event) => choose(event.currentTarget.value)}>
            {statements.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </p>
      <div ref={place} />
    </section>
  )
}
