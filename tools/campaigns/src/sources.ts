import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'

/** Lets Node run the sources of the packages as they stand: `@sublinear/x` is packages/x/src, and a file is found without its ending. */
const packages = new URL('../../../packages/', import.meta.url)
registerHooks({
  resolve(specifier, context, next) {
    const own = /^@sublinear\/([a-z-]+)(?:\/(node|bullmq))?$/.exec(specifier)
    if (own) return next(new URL(`${own[1]}/src/${own[2] ?? 'index'}.ts`, packages).href, context)
    if (/^\.\.?(\/|$)/.test(specifier) && context.parentURL) {
      for (const ending of ['.ts', '/index.ts']) {
        const url = new URL(specifier + ending, context.parentURL)
        if (existsSync(url)) return next(url.href, context)
      }
    }
    return next(specifier, context)
  },
})
