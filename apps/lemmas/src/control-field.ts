import { element } from './element.ts'
import { written, type Control } from './statement.ts'

/** The field of a control: a slider with its value beside its name, or a list of names. */
export interface ControlField {
  readonly element: HTMLElement
  readonly show: (value: number) => void
}

export function controlField(control: Control, change: (value: number) => void): ControlField {
  const { label, least, most, step, names } = control
  const follow = (event: Event) => change(Number((event.currentTarget as HTMLInputElement | HTMLSelectElement).value))
  if (names) {
    const options = names.map((name, value) => element('option', { value }, name))
    const list = element('select', { change: follow }, ...options)
    return {
      element: element('label', {}, element('span', {}, label), list),
      show: (value) => {
        list.value = String(value)
      },
    }
  }
  const said = element('b') // an output would take the label from the slider
  const slider = element('input', { type: 'range', min: least, max: most, step, input: follow })
  return {
    element: element('label', {}, element('span', {}, `${label}: `, said), slider),
    show(value) {
      slider.value = String(value)
      said.textContent = written(control, value)
      slider.setAttribute('aria-valuetext', written(control, value))
    },
  }
}
