import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type DefaultTheme } from 'vitepress'

/** The pages are the documents of the repository where they are: nothing is copied, and a link that works there works here. */
const root = fileURLToPath(new URL('../../..', import.meta.url))
const { repository } = JSON.parse(readFileSync(join(root, 'tools/release/address.json'), 'utf8')) as {
  repository: string
}
const source = `${repository.replace(/^git\+/, '').replace(/\.git$/, '')}/blob/main/`

const titleOf = (path: string) =>
  /^# +(.+)$/m.exec(readFileSync(join(root, path), 'utf8'))?.[1].replaceAll('`', '') ?? path
const page = (path: string, text = titleOf(path)): DefaultTheme.SidebarItem => ({
  text,
  link: `/${path.replace(/\.md$/, '')}`,
})
const group = (text: string, items: readonly DefaultTheme.SidebarItem[]): DefaultTheme.SidebarItem => ({
  text,
  collapsed: items.length > 12,
  items: [...items],
})
const readmes = readdirSync(join(root, 'packages'))
  .filter((name) => existsSync(join(root, 'packages', name, 'README.md')))
  .map((name) => page(`packages/${name}/README.md`, name))
/** Pages of every exported name, which tools/scripts/api.mjs writes; where they are missing, the site is built without them. */
const api = (name: string) => `apps/docs/api/${name}.md`
const apis = readdirSync(join(root, 'packages'))
  .filter((name) => existsSync(join(root, api(name))))
  .map((name) => page(api(name), name))
const README = /^packages\/([a-z-]+)\/README\.md$/
/** A package's page, with a link to its API. */
function withApi(source: string, path: string): string {
  const name = README.exec(path)?.[1]
  if (name === undefined || !existsSync(join(root, api(name)))) return source
  return `${source}\n\n## API\n\n[Every exported name](../../${api(name)}), with its types.\n`
}
const pathOf = (env: unknown) => (env as { relativePath?: string } | undefined)?.relativePath ?? ''
const methods = readdirSync(join(root, 'docs/methods'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => page(`docs/methods/${name}`))
const questions = readdirSync(join(root, 'evidence'))
  .filter((name) => existsSync(join(root, 'evidence', name, 'README.md')))
  .map((name) => page(`evidence/${name}/README.md`))

export default defineConfig({
  title: 'sublinear',
  description: 'Attention and sketching over streams too long to store, in TypeScript',
  srcDir: '../..',
  outDir: './dist',
  cacheDir: './node_modules/.cache',
  base: process.env['DOCS_BASE'] ?? '/',
  srcExclude: ['**/node_modules/**', '**/dist/**', '**/CHANGELOG.md', '**/template/**', '**/.changeset/**'],
  rewrites: { 'README.md': 'index.md' },
  lastUpdated: false,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' }, // axe finds usual ones too pale
    config(md) {
      const { render, renderAsync } = md
      md.render = (source, env) => render.call(md, withApi(source, pathOf(env)), env)
      if (renderAsync) md.renderAsync = (source, env) => renderAsync.call(md, withApi(source, pathOf(env)), env)
      // Links to files that are no pages (sources, results) lead to the repository.
      md.core.ruler.push('sources', ({ tokens, env }) => {
        const from = posix.dirname((env as { relativePath: string }).relativePath)
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.type === 'link_open' ? token.attrGet('href') : null
          if (!href || /^([a-z]+:|#|\/)/.test(href)) continue
          const [path] = href.split('#')
          const target = posix.normalize(posix.join(from, path))
          if (path.endsWith('.md') || path === '') continue
          token.attrSet('href', source + target)
        }
      })
    },
  },
  vite: {
    build: { chunkSizeWarningLimit: 2000 },
    resolve: {
      // Pages lie outside this folder, but use its Vue.
      alias: [
        { find: /^vue\/server-renderer$/, replacement: fileURLToPath(import.meta.resolve('vue/server-renderer')) },
        {
          find: /^vue$/,
          replacement: join(
            fileURLToPath(new URL('..', import.meta.url)),
            'node_modules/vue/dist/vue.runtime.esm-bundler.js',
          ),
        },
      ],
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/' },
      { text: 'Which method?', link: '/docs/which-method' },
      { text: 'Evidence', link: '/docs/evidence' },
      { text: 'Papers', link: '/PAPERS' },
      { text: 'Playground', link: '/playground/', target: '_self' },
    ],
    sidebar: [
      group('Start', [
        page('README.md', 'What it is'),
        page('docs/start.md'),
        page('docs/demo.md'),
        page('docs/your-model.md'),
        page('apps/cli/README.md', 'The command line'),
        page('docs/glossary.md'),
      ]),
      group('Which method?', [
        page('docs/which-method.md'),
        page('docs/methods.md'),
        page('docs/evidence.md'),
        page('docs/reading-without-end.md'),
        page('docs/which-counter.md'),
        page('docs/attention.md'),
      ]),
      group('Methods', methods),
      group('Packages', readmes),
      ...(apis.length > 0 ? [group('API', apis)] : []),
      group('Papers', [
        page('PAPERS.md', 'Statement by statement'),
        page('docs/papers/one-pass.md'),
        page('docs/papers/balance-kv.md'),
        page('docs/one-pass.md'),
      ]),
      group(
        'Measured',
        readdirSync(join(root, 'docs/measured')).map((name) => page(`docs/measured/${name}`)),
      ),
      group('Evidence, by question', [page('evidence/README.md'), ...questions]),
      group('Inside', [
        page('ARCHITECTURE.md'),
        page('docs/packages.md'),
        page('docs/format.md'),
        page('docs/tests.md'),
        page('docs/reliability.md'),
        page('CONTRIBUTING.md'),
        page('tools/bench/README.md', 'Benches'),
      ]),
    ],
    socialLinks: [],
  },
})
