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

/** `virtual:first/zh`: of each noun's words those that are needed before its page: what it is called in the navigation, its refusals. */
function first(): Plugin {
  const ours = /^virtual:first\/(zh|en)$/
  const src = fileURLToPath(new URL('./src', import.meta.url))
  return {
    name: 'first',
    resolveId: (id) => (ours.test(id) ? `\0${id}` : undefined),
    load(id) {
      const language = id.startsWith('\0') && ours.exec(id.slice(1))?.[1]
      if (!language) return
      const titles: Record<string, { title: string }> = {}
      const refusals: Record<string, string> = {}
      for (const folder of ['office', 'shop'].flatMap((entrance) => readdirSync(`${src}/${entrance}`).map((noun) => `${entrance}/${noun}`))) {
        const [sentences, words] = [`${src}/${folder}/${language}.json`, `${src}/${folder}/words.${language}.json`]
        if (folder.startsWith('office/') && existsSync(sentences)) titles[folder.slice('office/'.length)] = { title: read(this, sentences).title as string }
        if (existsSync(words)) Object.assign(refusals, read(this, words).refusals)
      }
      return `export const titles = ${JSON.stringify(titles)}\nexport const refusals = ${JSON.stringify(refusals)}`
    },
  }
}

function read(plugin: { addWatchFile: (file: string) => void }, file: string): Record<string, unknown> {
  plugin.addWatchFile(file)
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** The words of a page of the desk are called after the page. */
function chunkFileNames(chunk: { facadeModuleId?: string | null }): string {
  const page = /\/office\/([\w-]+)\/(zh|en)\.json$/.exec(chunk.facadeModuleId ?? '')
  return page ? `assets/words-${page[1]}-${page[2]}-[hash].js` : 'assets/[name]-[hash].js'
}

export default defineConfig({
  base: '/console/',
  plugins: [entrances(), first(), vue(), Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] })],
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
