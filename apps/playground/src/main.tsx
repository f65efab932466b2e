import { render } from 'preact'
import { lazy, Suspense } from 'preact/compat'
import { usePageState } from './page/page-state'
import { LossesView } from './losses/losses-view'
import { ReadingView } from './reading/reading-view'

const HeadsView = lazy(async () => ({ default: (await import('./heads/heads-view')).HeadsView }))
const ModelView = lazy(async () => ({ default: (await import('./model/model-view')).ModelView }))
const SketchesView = lazy(async () => ({ default: (await import('./sketches/sketches-view')).SketchesView }))

const VIEWS = {
  read: 'A model reads',
  heads: 'Your heads',
  model: 'Your model',
  sketches: 'Sketches',
  losses: 'Where methods fail',
} as const
type View = keyof typeof VIEWS

function Page() {
  const [state, change] = usePageState()
  const view: View = state['view'] && Object.hasOwn(VIEWS, state['view']) ? (state['view'] as View) : 'read'
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <strong>sublinear</strong>
        <nav aria-label="Pages">
          {Object.entries(VIEWS).map(([name, title]) => (
            <a key={name} href={`#view=${name}`} aria-current={name === view ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        <Suspense
          fallback={
            <p>
              <progress aria-label="The view is loaded" /> One moment.
            </p>
          }
        >
          {view === 'read' && <ReadingView state={state} change={change} />}
          {view === 'heads' && <HeadsView state={state} change={change} />}
          {view === 'model' && <ModelView state={state} change={change} />}
          {view === 'sketches' && <SketchesView state={state} change={change} />}
          {view === 'losses' && <LossesView />}
        </Suspense>
      </main>
      <footer>
        <p>Everything is computed here, in your browser. Nothing that you drop or type is sent anywhere.</p>
      </footer>
    </>
  )
}

render(<Page />, document.querySelector('#page')!)
