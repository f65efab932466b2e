// Compiles assembly/ to WebAssembly and embeds it: each part's file in src/generated/ has its calls and the module's bytes in hexadecimal digits, which gzip
// packs a fifth smaller than base64; simd.wasm is all of them in one module, for hosts that compile no bytes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { bindings } from './bindings.mjs'

const folder = join(dirname(fileURLToPath(import.meta.url)), '..')
/** Each part by itself, so that a page loads what it uses; their constants lie apart in the first page of the one memory they share. */
const PARTS = { floats: 1024, features: 6144, codes: 8192, sketches: 16384, probe: 32768 }
const common = [
  '--enable=simd',
  '-O3',
  '--noAssert',
  '--runtime=stub',
  '--importMemory',
  '--initialMemory=1',
  '--disableWarning=112', // v128 parameters stay inside the module,
]

/** The module of assembly/<name>.ts, and its text where it is asked for. */
async function assembled(name, options) {
  const written = new Map()
  const outputs = ['--outFile=module.wasm', '--textFile=module.wat']
  const { error, stderr } = await asc.main([`assembly/${name}.ts`, ...outputs, ...common, ...options], {
    readFile: (file, base) => {
      try {
        return readFileSync(join(folder, base, file), 'utf8')
      } catch {
        return null // asc tries several extensions and folders
      }
    },
    writeFile: (file, contents) => void written.set(file, contents),
    listFiles: () => [],
  })
  process.stderr.write(stderr.toString())
  if (error) throw error
  if (process.argv.includes('--text')) {
    mkdirSync(join(folder, 'build'), { recursive: true })
    writeFileSync(join(folder, `build/${name}.wat`), written.get('module.wat'))
  }
  return written.get('module.wasm')
}

const generated = join(folder, 'src/generated')
mkdirSync(generated, { recursive: true })
for (const [name, base] of Object.entries(PARTS)) {
  const wasm = await assembled(name, [`--memoryBase=${base}`])
  const text = `\n/** assembly/${name}.ts compiled by scripts/assemble.mjs: ${wasm.length} bytes. */\nexport const hex: string =\n  '${Buffer.from(wasm).toString('hex')}'\n`
  writeFileSync(join(generated, `${name}.ts`), bindings(join(folder, 'assembly'), name) + text)
  console.log(`assembled ${name}: ${wasm.length} bytes`)
}
// A quick build leaves the whole out: only hosts that compile no bytes read it.
if (!process.argv.includes('--parts')) {
  const whole = await assembled('index', [])
  writeFileSync(join(generated, 'simd.wasm'), whole)
  console.log(`assembled all: ${whole.length} bytes`)
}
