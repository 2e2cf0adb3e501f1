// A browser: no wallet around it. Signs in by phone code, or, in development, through the simulators (see pages/sign-in).
import { keyed } from "@/api/keys";
import { dropFile, keepFile, keptFile } from "./browser";
import { befriend } from "./befriend";
import { fitted } from "./images";
import { paidBy, standIns } from "./simulators";
import { Denied, type Wallet } from "./wallet";

// uni-app's router is told the address to stay under: /m/<mall>/, not /m/ only.
declare const __uniConfig: { router: { routerBase: string } };
if (typeof __uniConfig !== "undefined") __uniConfig.router.routerBase = location.pathname;
// An address that leads nowhere (an old link, a letter lost) leads home: the router would leave the page white.
declare const __uniRoutes: { path: string; alias?: string }[];
const asked = location.hash.slice(1).split("?")[0];
if (typeof __uniRoutes !== "undefined" && asked && !__uniRoutes.some((one) => one.path === asked || one.alias === asked)) history.replaceState(null, "", location.pathname);
befriend();

/** Files behind the blob: addresses made here; a strict Content-Security-Policy lets nobody fetch them again. */
const files = new Map<string, File>();
/** Where the files that outlive the page are in this page, by their names. */
const paths = new Map<string, string>();

function kept(file: File): string {
  const path = URL.createObjectURL(file);
  files.set(path, file);
  return path;
}

function loaded(path: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const picture = new Image();
    picture.onload = () => resolve(picture);
    picture.onerror = reject;
    picture.src = path;
  });
}

async function smaller(file: File): Promise<string> {
  const path = kept(file);
  try {
    const picture = await loaded(path);
    const size = fitted(picture.naturalWidth, picture.naturalHeight);
    if (size.width === picture.naturalWidth) return path;
    const canvas = document.createElement("canvas");
    Object.assign(canvas, size);
    canvas.getContext("2d")?.drawImage(picture, 0, 0, size.width, size.height);
    const made = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.88));
    return made ? kept(new File([made], file.name || "photo.jpg", { type: "image/jpeg" })) : path;
  } catch {
    return path; // a kind of picture that this browser cannot draw (HEIC): the server can
  }
}

export const h5: Wallet = {
  channel: "phone",
  signsInAlone: false,
  phoneButton: null,

  async login() {
    throw new Denied("unavailable");
  },

  async phone() {
    throw new Denied("unavailable");
  },

  async payers() {
    return standIns();
  },

  async pay(prepaid, by) {
    await paidBy(by, prepaid);
  },

  opened() {
    return null; // the address itself says it
  },

  async scan() {
    throw new Denied("unavailable");
  },

  async chooseImages({ count, from }) {
    const sourceType: ("camera" | "album")[] = from === "both" ? ["album", "camera"] : [from];
    const chosen = await new Promise<File[]>((resolve, reject) =>
      uni.chooseImage({
        count,
        sourceType,
        sizeType: ["original"],
        success: (got) => resolve(got.tempFiles as unknown as File[]),
        fail: () => reject(new Denied("cancelled")),
      }),
    );
    return Promise.all(chosen.slice(0, count).map(smaller));
  },

  async bytes(path) {
    const file = files.get(path);
    if (!file) throw new Denied("unavailable");
    return file.arrayBuffer();
  },

  file(path) {
    return files.get(path);
  },

  async persist(path) {
    const file = files.get(path);
    if (!file) throw new Denied("unavailable");
    const name = keyed();
    if (!(await keepFile(name, file))) return path;
    paths.set(name, path);
    return name;
  },

  async recall(name) {
    const known = files.has(name) ? name : paths.get(name);
    if (known) return known;
    const file = await keptFile(name);
    if (!file) return null;
    paths.set(name, kept(file));
    return paths.get(name) ?? null;
  },

  async discard(name) {
    const path = paths.get(name) ?? name;
    if (files.has(path)) URL.revokeObjectURL(path);
    files.delete(path);
    paths.delete(name);
    await dropFile(name);
  },

  async subscribe() {
    return [];
  },

  shareButton: null,

  async share(title) {
    try {
      await navigator.share({ title, url: location.href });
      return "shared";
    } catch (why) {
      if ((why as Error).name === "AbortError") throw new Denied("cancelled");
      await navigator.clipboard.writeText(location.href);
      return "copied";
    }
  },

  async visit(url) {
    const link = document.createElement("a");
    Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
    link.click();
    return "opened";
  },

  brighten(bright) {
    // A browser cannot change the brightness; it can keep the screen awake, and the page turns white.
    void (bright ? awake() : asleep());
  },

  async openPermissions() {
    return false;
  },

  async handOver(name, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
    return "saved";
  },

  dress(theme, large, language) {
    const root = document.documentElement;
    root.classList.remove("theme-auto", "theme-light", "theme-dark", "text-large");
    root.classList.add(`theme-${theme}`);
    root.classList.toggle("text-large", large);
    root.lang = language === "en" ? "en" : "zh-CN";
  },
};

let lock: { release(): Promise<void> } | null = null;

async function awake(): Promise<void> {
  lock = await navigator.wakeLock?.request("screen").catch(() => null);
}

async function asleep(): Promise<void> {
  await lock?.release();
  lock = null;
}
