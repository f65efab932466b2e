import { defineConfig } from 'vite'

/** A static site that works from any folder of any server. */
export default defineConfig({
  base: './',
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
  worker: { format: 'es' },
})
