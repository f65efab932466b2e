import { bytesText, shareText } from '../page/format'
import { CodeBlock } from './code-block'
import { intervalText, percent } from './error-text'
import type { Progress, Recipe } from './heads-worker'
import { recipeCode } from './recipe-code'
import { Working } from './working'

/** Shares of the exact cache, as the board has them. */
export const SHARES = [1 / 4, 1 / 8, 1 / 16, 1 / 32]

interface AdviserProps {
  readonly share: number
  readonly recipe: Recipe | undefined
  readonly progress: Progress | undefined
  readonly isAsked: boolean
  readonly ask: () => void
  readonly stop: () => void
  readonly choose: (share: number) => void
}

/** The adviser: it tries every method of the catalogue and their stacks within the bytes. */
export function Adviser({ share, recipe, progress, isAsked, ask, stop, choose }: AdviserProps) {
  return (
    <section aria-label="The adviser">
      <h2>A recipe for heads like this</h2>
      <p>
        The adviser tries every method, and stacks of them, on all tokens but the last 256. These judge what it found.
      </p>
      <div class="controls">
        <label>
          within
          <select value={shareText(share)} onChange={(event) => choose(SHARES[event.currentTarget.selectedIndex])}>
            {SHARES.map((one) => (
              <option key={one}>{shareText(one)}</option>
            ))}
          </select>
        </label>
        {!isAsked && <button onClick={ask}>Find a recipe</button>}
      </div>
      {isAsked && progress && <Working progress={progress} stop={stop} />}
      {isAsked && recipe && (
        <>
          <p>
            <strong>{recipe.name}</strong> holds {bytesText(recipe.bytes)} of {bytesText(recipe.budgetBytes)}, the best
            of {recipe.tried} that were tried. Error on the tokens that it saw: {percent(recipe.pilotError)}
            {recipe.later && (
              <>
                ; on the last 256, which it did not see: {percent(recipe.later.error)}
                {intervalText(recipe.later.interval)}
              </>
            )}
            .
          </p>
          <p>{recipe.advice}</p>
          <CodeBlock code={recipeCode(recipe)} />
        </>
      )}
    </section>
  )
}
