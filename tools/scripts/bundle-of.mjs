// The bundle that a page would load: a user's import, minified by esbuild.
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const packages = new URL('../../packages/', import.meta.url)

/**
 * Bundles `names from package` for a page; `*` is everything. Packages are as they were built, or their sources with `fromSources`.
 *
 * @returns esbuild's result, with its metafile
 */
export function bundleOf(line, { fromSources = false } = {}) {
  const [names, name] = line.split(' from ')
  const [what, used] = names === '*' ? ['* as all', 'all'] : [`{ ${names} }`, names]
  const entry = (of, file) => [`@sublinear/${of}`, fileURLToPath(new URL(`${of}/${file}`, packages))]
  const entries = fromSources
    ? readdirSync(packages).map((of) => entry(of, 'src/index.ts'))
    : [entry(name, 'dist/index.js')]
  return build({
    stdin: {
      contents: `import ${what} from '@sublinear/${name}'; globalThis.used = [${used}]`,
      resolveDir: fileURLToPath(new URL(name, packages)),
    },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    external: ['node:*'],
    alias: Object.fromEntries(entries),
  })
}
