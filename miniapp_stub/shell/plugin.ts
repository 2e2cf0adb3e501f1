// What a browser shows while the script is on its way: the home page's outline, with the one sentence that a visitor comes to read.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transformWithEsbuild, type IndexHtmlTransformContext, type Plugin } from "vite";

const EARLY = "early.js";
const read = (name: string) => readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");
const gain = (language: string) => (JSON.parse(read(`../src/pages/home/${language}.json`)) as { gain: string }).gain;
const escaped = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
const times = (count: number, part: string) => part.repeat(count);

function markup(): string {
  const sentence = [["zh-CN", "zh"], ["en", "en"]].map(([lang, name]) => `<p class="shell-gain" lang="${lang}">${escaped(gain(name))}</p>`).join("");
  const card = `<div class="shell-card"><i class="shell-name"></i>${sentence}<i class="shell-join"></i></div>`;
  const actions = `<div class="shell-actions">${times(4, "<i></i>")}</div>`;
  const rows = `<div class="shell-panel">${times(4, '<div class="shell-row"><i></i><i></i></div>')}</div>`;
  return `<div id="shell" aria-busy="true"><div class="shell-head"></div><div class="shell-body">${card}${actions}${rows}</div><div class="shell-tabs"></div></div>`;
}

/** The parts whose order decides when something is seen: the early script and the styles first, then the script in the order it runs. */
function ordered(html: string, early: string): string {
  const found = html.match(/[ \t]*<(?:link rel="(?:stylesheet|modulepreload)"|script type="module")[^>]*>(?:<\/script>)?\n?/g) ?? [];
  const rest = found.reduce((left, part) => left.replace(part, ""), html);
  const rank = (part: string) => (part.includes("stylesheet") ? 0 : part.includes("modulepreload") ? 2 : 1);
  const parts = [`<script src="${early}"></script>`, ...found.map((part) => part.trim()).sort((one, other) => rank(one) - rank(other))];
  return rest.replace(/\n\s*\n/g, "\n").replace("</head>", `${parts.map((part) => `  ${part}`).join("\n  ")}\n  </head>`);
}

/** Put the shell and the early script into index.html of a build for browsers. */
export function shell(base: string): Plugin {
  return {
    name: "shell",
    apply: "build",
    async buildStart() {
      const { code } = await transformWithEsbuild(read(EARLY), EARLY, { minify: true, target: "es2015" });
      this.emitFile({ type: "asset", name: EARLY, source: code });
    },
    transformIndexHtml: {
      order: "post",
      handler(html: string, context: IndexHtmlTransformContext) {
        const early = Object.values(context.bundle ?? {}).find((part) => part.type === "asset" && part.name === EARLY);
        if (!early) throw new Error("the early script is not among the build's files");
        return ordered(html.replace('<div id="app">', `${markup()}\n    <div id="app">`), base + early.fileName);
      },
    },
  };
}
