// The record of the growing cache. Kills, over the mistakes that the laws list: pages that bytes does not count, log weights left out, a second name.
import { methodLaws } from '@sublinear/laws'
import { test } from 'vitest'
import { exactMethod } from '../src'

for (const law of methodLaws(exactMethod)) test(law.name, law.run)
