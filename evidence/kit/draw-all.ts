/** `node evidence/kit/draw-all.ts`: pictures, pages, tables of other pages and the index from the committed results, nothing measured. */
import { questions } from './all-questions.ts'
import { updateClicks } from './clicks.ts'
import { show } from './experiment.ts'
import { updateIndex } from './index-page.ts'
import { updateTables } from './tables.ts'

for (const question of questions) show(question)
updateTables()
updateIndex()
updateClicks()
