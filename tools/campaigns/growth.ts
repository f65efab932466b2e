import './src/sources.ts'

// Measures how errors grow with the number of tokens: `node tools/campaigns/growth.ts [tokens] [result.json]`; see README.md.
const { main } = await import('./src/growth.ts')
main(process.argv.slice(2))
process.exit()
