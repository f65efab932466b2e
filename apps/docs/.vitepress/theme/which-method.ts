import { withBase } from 'vitepress'
import { computed, defineComponent, h, ref } from 'vue'
import { data } from './which-method.data'

const ALL = 'any head'
const unique = (values: readonly string[]) => [...new Set(values)]
const percent = (error: number) =>
  error >= 10 ? `${Number(error.toPrecision(2))} times` : `${Number((100 * error).toPrecision(2))} %`

/** A table to choose a method by: which heads, in how many bytes, what must be known, what the head computes. */
export const WhichMethod = defineComponent({
  name: 'WhichMethod',
  setup() {
    const models = unique(data.rows.map(({ model }) => model))
    const budgets = unique(data.rows.map(({ budget }) => budget))
    const features = unique(Object.values(data.traits).flatMap(({ can }) => can))
    const model = ref(models[0])
    const budget = ref(budgets[1])
    const needs = ref(ALL)
    const isBlind = ref(false)
    const shown = computed(() =>
      data.rows
        .filter((row) => row.model === model.value && row.budget === budget.value)
        .filter(({ method }) => needs.value === ALL || data.traits[method]?.can.includes(needs.value))
        .filter(({ method }) => !isBlind.value || data.traits[method]?.learns === 'nothing')
        .toSorted((a, b) => a.median - b.median),
    )
    const choice = (label: string, value: typeof model, options: readonly string[]) =>
      h('label', [
        `${label} `,
        h(
          'select',
          { value: value.value, onChange: (event: Event) => (value.value = (event.target as HTMLSelectElement).value) },
          options.map((one) => h('option', { value: one, selected: one === value.value }, one)),
        ),
      ])
    return () =>
      h('section', { class: 'which-method', 'aria-label': 'Choose a method' }, [
        h('p', { class: 'which-choices' }, [
          choice('Heads of the model', model, models),
          choice('bytes, of the float32 cache', budget, budgets),
          choice('the head computes', needs, [ALL, ...features]),
          h('label', [
            h('input', {
              type: 'checkbox',
              checked: isBlind.value,
              onChange: (event: Event) => (isBlind.value = (event.target as HTMLInputElement).checked),
            }),
            ' without seeing queries',
          ]),
        ]),
        h('table', [
          h(
            'thead',
            h(
              'tr',
              ['method', 'median error', 'worst head', 'among the best', 'learns from'].map((one) =>
                h('th', { scope: 'col' }, one),
              ),
            ),
          ),
          h(
            'tbody',
            shown.value.map(({ method, median, worst, near, heads }) =>
              h('tr', { key: method }, [
                h('th', { scope: 'row' }, h('a', { href: withBase(`/docs/methods/${method}`) }, method)),
                h('td', percent(median)),
                h('td', percent(worst)),
                h('td', `${near} of ${heads} heads`),
                h('td', data.traits[method]?.learns.replaceAll('`', '') ?? ''),
              ]),
            ),
          ),
        ]),
        h(
          'p',
          { role: 'status' },
          shown.value.length === 0 ? 'No method does this within these bytes.' : `${shown.value.length} methods fit.`,
        ),
      ])
  },
})
