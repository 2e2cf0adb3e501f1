import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const API = process.env.API ?? 'http://127.0.0.1:8000'

/** /office/<mall>/… and /shop/<mall>/… are one page, as the app and nginx serve them. */
function entrances(): Plugin {
  const rewrite = (request: { url?: string }, _response: unknown, next: () => void): void => {
    if (/^\/(office|shop)(\/|$)/.test(request.url ?? '')) request.url = '/console/index.html'
    next()
  }
  return { name: 'entrances', configureServer: (server) => void server.middlewares.use(rewrite) }
}

export default defineConfig({
  base: '/console/',
  plugins: [entrances(), vue(), Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] })],
  resolve: {
    alias: {
      '@': fileURLToPath(new URL('./src', import.meta.url)),
      '@tokens': fileURLToPath(new URL('../miniapp_stub/src/styles/tokens.scss', import.meta.url)),
    },
  },
  css: { preprocessorOptions: { scss: { api: 'modern-compiler' } } },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    // What is on the first page stays in few files; a page and the charts come when they are opened.
    rollupOptions: { output: { manualChunks: (id) => (/node_modules\/(vue|@vue|vue-router|pinia|vue-i18n|@intlify)\//.test(id) ? 'vue' : undefined) } },
  },
  server: { port: 5180, proxy: { '/v1': API } },
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'], server: { deps: { inline: ['element-plus'] } } },
})
