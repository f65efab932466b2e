import { needleText } from '@sublinear/small-lm'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { PlacedNeedle } from './needles'
import { paragraphs, type Word } from './words'

interface BookProps {
  readonly text: string
  readonly needles: readonly PlacedNeedle[]
  /** Number of letters read, with those of needles. */
  readonly letters: number
  readonly plant: (at: number) => void
}

/** Number of paragraphs that are drawn in one frame, so that a long text blocks no frame. */
const A_FRAME = 1

/** Shows the text, its words drawn once, some paragraphs a frame; what was read is marked in place, since it changes many times a second. */
export function Book({ text, needles, letters, plant }: BookProps) {
  const place = useRef<HTMLDivElement>(null)
  const marked = useRef(0)
  const all = useMemo(() => {
    marked.current = 0
    return paragraphs(text)
  }, [text])
  const [shown, setShown] = useState(A_FRAME)
  useEffect(() => {
    if (shown >= all.length) return undefined
    const frame = requestAnimationFrame(() => setShown(shown + A_FRAME))
    return () => cancelAnimationFrame(frame)
  }, [shown, all])
  const drawn = useMemo(
    () => all.slice(0, shown).map((words) => <Paragraph key={words[0].at} words={words} needles={needles} />),
    [all, shown, needles],
  )
  const readTo = lettersOfText(letters, needles)
  useEffect(() => {
    const spans = place.current?.querySelectorAll<HTMLElement>('span[data-at]') ?? []
    const isRead = (i: number) => i < spans.length && Number(spans[i].dataset['at']) < readTo
    while (isRead(marked.current)) spans[marked.current++].classList.add('read')
    while (marked.current > 0 && !isRead(marked.current - 1)) spans[--marked.current]?.classList.remove('read')
  }, [drawn, readTo])
  return (
    <section class="book">
      <h2 id="text">The text</h2>
      <div
        class="pages"
        ref={place}
        role="region"
        aria-labelledby="text"
        tabIndex={0}
        onClick={(event) => {
          const at = (event.target as HTMLElement).dataset['at']
          if (at !== undefined) plant(Number(at))
        }}
      >
        {drawn}
      </div>
    </section>
  )
}

interface ParagraphProps {
  readonly words: readonly Word[]
  readonly needles: readonly PlacedNeedle[]
}

/** Draws a paragraph, and draws it again only when a needle comes into it or leaves it. */
function Paragraph({ words, needles }: ParagraphProps) {
  const [first, last] = [words[0], words[words.length - 1]]
  const inside = needles.filter(({ at }) => at >= first.at && at <= last.at + last.text.length)
  return useMemo(
    () => (
      <p>
        {words.map(({ at, text: word }) => (
          <>
            <span data-at={at}>{word}</span>
            {inside
              .filter((needle) => needle.at === at + word.length)
              .map((needle) => (
                <b key={needle.word}>
                  {' '}
                  (remember {needle.word} {needle.value})
                </b>
              ))}{' '}
          </>
        ))}
      </p>
    ),
    [words, inside.map(({ word, value, at }) => `${word} ${value} ${at}`).join()],
  )
}

/** The number of letters of the plain text among letters that were read with the needles in it. */
function lettersOfText(letters: number, needles: readonly PlacedNeedle[]): number {
  let at = letters
  for (const needle of needles.toSorted((a, b) => a.at - b.at)) {
    const { length } = needleText(needle.word, needle.value)
    if (needle.at < at) at = Math.max(needle.at, at - length)
  }
  return at
}
