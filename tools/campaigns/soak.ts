import './src/sources.ts'

// Runs the soak: `node tools/campaigns/soak.ts [minutes] [result.json]`; see README.md.
const { main } = await import('./src/soak.ts')
process.exitCode = await main(process.argv.slice(2))
process.exit()
