import { needleText } from '@sublinear/small-lm'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { PlacedNeedle } from './needles'
import { paragraphs, type Word } from './words'

interface BookProps {
  readonly text: string
  readonly needles: readonly PlacedNeedle[]
  /** Letters read, needles among them. */
  readonly letters: number
  readonly plant: (at: number) => void
}

/** Shows the text, its words drawn once; what was read is marked in place, since it changes many times a second. */
export function Book({ text, needles, letters, plant }: BookProps) {
  const place = useRef<HTMLDivElement>(null)
  const marked = useRef(0)
  const drawn = useMemo(() => {
    marked.current = 0
    return paragraphs(text).map((words) => <Paragraph key={words[0].at} words={words} needles={needles} />)
  }, [text, needles])
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

function Paragraph({ words, needles }: ParagraphProps) {
  return (
    <p>
      {words.map(({ at, text: word }) => (
        <>
          <span data-at={at}>{word}</span>
          {needles
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
  )
}

/** Letters of the plain text among letters that were read with the needles in it. */
function lettersOfText(letters: number, needles: readonly PlacedNeedle[]): number {
  let at = letters
  for (const needle of needles.toSorted((a, b) => a.at - b.at)) {
    const { length } = needleText(needle.word, needle.value)
    if (needle.at < at) at = Math.max(needle.at, at - length)
  }
  return at
}
