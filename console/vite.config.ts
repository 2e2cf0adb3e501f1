import { existsSync, readdirSync, readFileSync } from 'node:fs'
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

/** `virtual:titles/zh`: how the desk's pages are called, for the navigation; a page's other words come with the page. */
function titles(): Plugin {
  const ours = /^virtual:titles\/(zh|en)$/
  const office = fileURLToPath(new URL('./src/office', import.meta.url))
  return {
    name: 'titles',
    resolveId: (id) => (ours.test(id) ? `\0${id}` : undefined),
    load(id) {
      const language = id.startsWith('\0') && ours.exec(id.slice(1))?.[1]
      if (!language) return
      const named = readdirSync(office).map((page) => [page, `${office}/${page}/${language}.json`] as const)
      const held = named.filter(([, file]) => existsSync(file)).map(([page, file]) => [page, { title: JSON.parse(readFileSync(file, 'utf8')).title }])
      return `export default ${JSON.stringify(Object.fromEntries(held))}`
    },
  }
}

/** The words of a page of the desk are called after the page. */
function chunkFileNames(chunk: { facadeModuleId?: string | null }): string {
  const page = /\/office\/([\w-]+)\/(zh|en)\.json$/.exec(chunk.facadeModuleId ?? '')
  return page ? `assets/words-${page[1]}-${page[2]}-[hash].js` : 'assets/[name]-[hash].js'
}

export default defineConfig({
  base: '/console/',
  plugins: [entrances(), titles(), vue(), Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] })],
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
    rollupOptions: { output: { chunkFileNames, manualChunks: (id) => (/node_modules\/(vue|@vue|vue-router|pinia|vue-i18n|@intlify)\//.test(id) ? 'vue' : undefined) } },
  },
  server: { port: 5180, proxy: { '/v1': API } },
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'], server: { deps: { inline: ['element-plus'] } } },
})
