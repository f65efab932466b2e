import { Command } from 'commander'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { newSketch } from '../../../tools/scripts/new-sketch.mjs'

export function newSketchCommand(): Command {
  return new Command('new-sketch')
    .description(
      'Writes the package of a sketch of your own, which works and passes its laws, into the clone of the repository that you are in',
    )
    .argument('<name>', 'in lower case with hyphens, such as my-sketch')
    .action((name: string) => {
      const root = cloneRoot(process.cwd())
      if (root === undefined)
        throw new RangeError('new-sketch adds a package to a clone of the repository: run it inside one')
      for (const path of newSketch(name, root)) console.log(path)
      console.log(`\nNext, in ${root}: pnpm install, then npx vitest run packages/${name}. Then write your columns.`)
    })
}

/** The nearest folder, this one or one above, that has the packages. */
function cloneRoot(folder: string): string | undefined {
  if (existsSync(join(folder, 'pnpm-workspace.yaml')) && existsSync(join(folder, 'packages/core'))) return folder
  return dirname(folder) === folder ? undefined : cloneRoot(dirname(folder))
}
