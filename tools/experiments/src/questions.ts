/** `pnpm --filter @sublinear/experiments run questions`: pictures and sections of README.md from the committed results, nothing measured. */
import { decodingTime } from './decoding-time.ts'
import { endToEnd } from './end-to-end.ts'
import { show } from './experiment.ts'
import { figure1 } from './figure-1.ts'

show(figure1)
show(endToEnd)
show(decodingTime)
