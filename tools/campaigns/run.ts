import './src/sources.ts'
import { main } from './src/main.ts'

// Runs the campaigns: `node tools/campaigns/run.ts sample | long | one`; see README.md.
process.exitCode = await main(process.argv.slice(2))
process.exit()
