import { bytesText } from '../page/format'
import type { Progress } from './heads-worker'

/** How far the worker has come, and a button that stops it. */
export function Working({ progress, stop }: { readonly progress: Progress; readonly stop: () => void }) {
  const { what, done, total } = progress
  const said =
    what === 'bytes read'
      ? `${bytesText(done)} read`
      : what === 'cells'
        ? `${done} of ${total} cells`
        : `${done} % of the search`
  return (
    <p class="working">
      <progress max={total} value={done} aria-label={said} /> {said} <button onClick={stop}>Stop</button>
    </p>
  )
}
