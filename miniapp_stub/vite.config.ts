import { fileURLToPath } from "node:url";
import uniPlugin from "@dcloudio/vite-plugin-uni";
import { defineConfig, type Plugin } from "vite";

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

export default defineConfig({
  plugins: [withoutForeignFont(), uni()],
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
