import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type DefaultTheme } from 'vitepress'

/** The pages are the repository's own documents, where they stand: nothing is copied, and a link that works there works here. */
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
const questions = readdirSync(join(root, 'tools/experiments/questions'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => page(`tools/experiments/questions/${name}`))

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
    config(md) {
      // Links to what is no page, sources and results, lead to the repository.
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
      // Pages lie outside of this folder, whose Vue they use all the same.
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
      { text: 'Which method?', link: '/docs/methods' },
      { text: 'Evidence', link: '/docs/evidence' },
      { text: 'Papers', link: '/PAPERS' },
      { text: 'Playground', link: '/playground/', target: '_self' },
    ],
    sidebar: [
      group('Start', [
        page('README.md', 'What it is'),
        page('docs/demo.md'),
        page('docs/your-model.md'),
        page('apps/cli/README.md', 'The command line'),
        page('docs/glossary.md'),
      ]),
      group('Which method?', [
        page('docs/methods.md'),
        page('docs/evidence.md'),
        page('docs/reading-without-end.md'),
        page('docs/which-counter.md'),
        page('docs/attention.md'),
      ]),
      group('Packages', readmes),
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
      group('Questions', questions),
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
