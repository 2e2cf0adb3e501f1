import { fileURLToPath } from "node:url";
import uniPlugin from "@dcloudio/vite-plugin-uni";
import { defineConfig, type Plugin } from "vite";
import { shell } from "./shell/plugin";

// The plugin is CommonJS: depending on who loads it, the function is the export or its default.
const uni = ((uniPlugin as unknown as { default?: typeof uniPlugin }).default ?? uniPlugin) as typeof uniPlugin;

/** wd-icon loads a font from another company's server; no page uses its glyphs (MbIcon draws ours), so the font goes. */
function withoutForeignFont(): Plugin {
  return {
    name: "without-foreign-font",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("/wd-icon/wd-icon.vue")) return undefined;
      return code.replace(/<style[^]*<\/style>/, "");
    },
  };
}

/** uni-app's styles fetch shadows of the title bar from its maker's servers. Ours need none, and the pages ask nobody else for anything. */
function withoutForeignShadows(): Plugin {
  const foreign = /https:\/\/cdn2?\.dcloud\.net\.cn\/img\/shadow-\w+\.png/g;
  return {
    name: "without-foreign-shadows",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const part of Object.values(bundle)) {
          if (part.type === "chunk") part.code = part.code.replace(foreign, "data:,");
          else if (typeof part.source === "string") part.source = part.source.replace(foreign, "data:,");
        }
      },
    },
  };
}

/** The first page's own parts are named in index.html, so that they come together with the framework and not after it. */
function firstPageAtOnce(): Plugin {
  return {
    name: "first-page-at-once",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(html, context) {
        const chunks = Object.values(context.bundle ?? {}).flatMap((part) => (part.type === "chunk" ? [part] : []));
        const first = chunks.find((chunk) => chunk.facadeModuleId?.split("?")[0].endsWith("/pages/home/home.vue"));
        const wanted = chunks.filter((chunk) => chunk === first || first?.imports.includes(chunk.fileName)).filter((chunk) => !chunk.isEntry);
        const unnamed = (name: string) => !html.includes(name);
        const styles = wanted.flatMap((chunk) => [...(chunk.viteMetadata?.importedCss ?? [])]).filter(unnamed);
        return [
          ...wanted.map((chunk) => chunk.fileName).filter(unnamed).map((name) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: BASE + name } })),
          ...styles.map((name) => ({ tag: "link", attrs: { rel: "stylesheet", crossorigin: true, href: BASE + name } })),
        ];
      },
    },
  };
}

const BASE = "/m/";
const FOR_BROWSERS = process.env.UNI_PLATFORM === "h5";

/** What nearly every page uses travels as one file, what others made as another that a release of ours leaves in the browsers' caches. */
function together(id: string): string | undefined {
  if (/\/node_modules\/(?!qrcode|wot-design)/.test(id)) return "framework";
  return /\/src\/(components\/[A-Z]\w+\.vue|lib\/(?!qr)|stores\/(look|session|mall)|api\/)/.test(id) ? "ours" : undefined;
}

export default defineConfig({
  plugins: [withoutForeignFont(), uni(), withoutForeignShadows(), ...(FOR_BROWSERS ? [firstPageAtOnce(), shell(BASE)] : [])],
  build: FOR_BROWSERS ? { rollupOptions: { output: { manualChunks: together } } } : {},
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    // Mini-programs and a strict Content-Security-Policy forbid `new Function`: messages are interpreted, not compiled to code.
    __INTLIFY_JIT_COMPILATION__: true,
    __INTLIFY_DROP_MESSAGE_COMPILER__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
  },
  server: { proxy: { "/v1": process.env.API_ORIGIN ?? "http://127.0.0.1:8000", "^/m/[^/]+/settings.json": process.env.API_ORIGIN ?? "http://127.0.0.1:8000" } },
});
