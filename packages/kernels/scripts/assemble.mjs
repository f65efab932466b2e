// Compiles assembly/ to WebAssembly and embeds it: src/generated/simd.ts exports the module's bytes in base64, bindings.ts its calls; simd.wasm is the
// module itself, for hosts that compile no bytes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { bindings } from './bindings.mjs'

const folder = join(dirname(fileURLToPath(import.meta.url)), '..')
const options = [
  'assembly/index.ts',
  '--outFile=simd.wasm',
  '--enable=simd',
  '-O3',
  '--noAssert',
  '--runtime=stub',
  '--importMemory',
  '--initialMemory=1',
  '--disableWarning=112', // v128 parameters stay inside the module,
]
if (process.argv.includes('--text')) options.push('--textFile=simd.wat')

const written = new Map()
const { error, stderr } = await asc.main(options, {
  readFile: (name, base) => {
    try {
      return readFileSync(join(folder, base, name), 'utf8')
    } catch {
      return null // asc tries several extensions and folders
    }
  },
  writeFile: (name, contents) => void written.set(name, contents),
  listFiles: () => [],
})
process.stderr.write(stderr.toString())
if (error) throw error

const wasm = written.get('simd.wasm')
const generated = join(folder, 'src/generated')
mkdirSync(generated, { recursive: true })
writeFileSync(
  join(generated, 'simd.ts'),
  `/** assembly/ compiled by scripts/assemble.mjs: ${wasm.length} bytes, base64. */\n` +
    `export const simdModule: string =\n  '${Buffer.from(wasm).toString('base64')}'\n`,
)
writeFileSync(join(generated, 'simd.wasm'), wasm)
writeFileSync(join(generated, 'bindings.ts'), bindings(join(folder, 'assembly')))
if (written.has('simd.wat')) {
  mkdirSync(join(folder, 'build'), { recursive: true })
  writeFileSync(join(folder, 'build/simd.wat'), written.get('simd.wat'))
}
console.log(`assembled ${wasm.length} bytes`)
