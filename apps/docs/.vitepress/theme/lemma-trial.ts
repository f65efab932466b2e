import { lemmaView, settingsOf, statementOf, type LemmaView } from '@sublinear/lemmas'
import '@sublinear/lemmas/lemma.css'
import { defineComponent, h, onMounted, onUnmounted, ref } from 'vue'

/** A statement of a paper beside its text, its failures counted live: `<LemmaTrial of="ams-products" />`. Counting begins when the reader comes near. A page that names no statement is not built. */
export const LemmaTrial = defineComponent({
  name: 'LemmaTrial',
  props: { of: { type: String, required: true } },
  setup({ of }) {
    const statement = statementOf(of)
    if (!statement) throw new Error(`LemmaTrial: there is no statement ${of}`)
    const place = ref<HTMLElement>()
    const isDrawn = ref(false)
    let view: LemmaView | undefined
    let near: IntersectionObserver | undefined
    onMounted(() => {
      let settings = settingsOf(statement)
      const own = lemmaView(statement, (name, value) => own.set((settings = { ...settings, [name]: value })))
      view = own
      isDrawn.value = true
      place.value!.append(own.element)
      near = new IntersectionObserver((seen) => {
        if (!seen.some(({ isIntersecting }) => isIntersecting)) return
        near?.disconnect()
        own.set(settings)
      })
      near.observe(own.element)
    })
    onUnmounted(() => {
      near?.disconnect()
      view?.close()
    })
    return () => [h('div', { ref: place }), isDrawn.value ? undefined : h('p', statement.says)]
  },
})
