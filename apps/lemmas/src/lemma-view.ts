import { controlField } from './control-field.ts'
import type { Count } from './count.ts'
import { element } from './element.ts'
import { errorBars } from './error-bars.ts'
import { liveCount } from './live-count.ts'
import type { Settings, Statement } from './statement.ts'

/** A statement on a page: its controls, and the failures that are counted while one watches. */
export interface LemmaView {
  readonly element: HTMLElement
  /** Shows these settings, and counts anew where they are others. */
  readonly set: (settings: Settings) => void
  /** Ends what is being counted. */
  readonly close: () => void
}

/** Draws a statement. Nothing is counted before `set`. `change` hears of a control that was moved; it may call `set`. */
export function lemmaView(statement: Statement, change: (name: string, value: number) => void): LemmaView {
  const { controls, title, fresh } = statement
  const fields = controls.map((control) => ({
    ...controlField(control, (value) => change(control.name, value)),
    name: control.name,
  }))
  const bars = element('div', { class: 'bars' })
  const said = element('p', { class: 'count', role: 'status' })
  const progress = element('progress', { max: statement.trials, 'aria-label': `${fresh} tried` })
  let shown: Settings | undefined
  let stop: (() => void) | undefined

  const show = (count: Count) => {
    const isOver = count.trials === statement.trials
    progress.value = count.trials
    progress.hidden = isOver
    bars.replaceChildren(errorBars(count.errors))
    said.textContent = `${count.facts}: ${verdict(statement, count)}`
    said.className = `count ${isBroken(statement, count) ? 'broken' : 'kept'}`
    said.setAttribute('aria-busy', String(!isOver)) // readers of screens hear the end alone
  }
  return {
    element: element(
      'section',
      { class: 'lemma', 'aria-label': `${title}, counted live` },
      element('p', { class: 'says' }, statement.says),
      element('div', { class: 'controls' }, ...fields.map((field) => field.element)),
      bars,
      element(
        'p',
        { class: 'axis' },
        'Sizes of the errors; the dashed line is the bound, and the right end is twice that.',
      ),
      progress,
      said,
    ),
    set(settings) {
      if (shown && controls.every(({ name }) => shown?.[name] === settings[name])) return
      shown = settings
      stop?.()
      for (const { name, show: showValue } of fields) showValue(settings[name])
      progress.hidden = false
      progress.removeAttribute('value')
      said.setAttribute('aria-busy', 'true')
      said.className = 'count'
      said.textContent = 'Counting …'
      stop = liveCount(statement, settings, {
        more: show,
        wrong(problem) {
          progress.hidden = true
          said.setAttribute('aria-busy', 'false')
          said.textContent = problem
        },
      })
    },
    close: () => stop?.(),
  }
}

/** Whether more trials failed than the statement allows. */
function isBroken({ allowed }: Statement, { failures, trials }: Count): boolean {
  return failures > allowed * trials
}

/** A sentence about the failures: how many, of how many, and what is allowed. */
export function verdict(statement: Statement, count: Count): string {
  const { failures, trials } = count
  const share = Number(((100 * failures) / trials).toFixed(1))
  const allowed = statement.allowed === 0 ? 'none' : `${100 * statement.allowed} %`
  const kept = isBroken(statement, count) ? '✗ more than the statement allows' : '✓ within the statement'
  return `${failures.toLocaleString('en-US')} failures in ${trials.toLocaleString('en-US')} trials with fresh ${statement.fresh}, ${share} %; allowed: ${allowed}. ${kept}`
}
