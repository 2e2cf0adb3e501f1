import { ref, type Ref } from "vue";
import { mallCode } from "@/api/place";
import { wallet } from "@/wallets";
import { owner } from "./owner";

/** A picture that was chosen and not sent: what it is kept under, and where it can be shown from now. */
export interface Chosen {
  name: string;
  path: string;
}

interface Stored {
  owner: number;
  names: string[];
}

const key = () => `tray:${mallCode()}`;

function stored(): Stored | null {
  const found: unknown = uni.getStorageSync(key());
  return typeof found === "object" && found !== null && "names" in found ? (found as Stored) : null;
}

/** The pictures chosen for a receipt, kept from the moment they are chosen: an app that is ended before they are sent has them still. */
export function useTray(): { photos: Ref<Chosen[]>; add(paths: string[]): Promise<void>; drop(name: string): void; handed(): void; restore(): Promise<void> } {
  const photos = ref<Chosen[]>([]);

  function keep(): void {
    if (photos.value.length) uni.setStorageSync(key(), { owner: owner(), names: photos.value.map((one) => one.name) } satisfies Stored);
    else uni.removeStorageSync(key());
  }

  async function chosen(path: string): Promise<Chosen> {
    const name = await wallet.persist(path).catch(() => path);
    return { name, path: (await wallet.recall(name).catch(() => null)) ?? path };
  }

  async function add(paths: string[]): Promise<void> {
    photos.value = [...photos.value, ...(await Promise.all(paths.map(chosen)))];
    keep();
  }

  function drop(name: string): void {
    photos.value = photos.value.filter((one) => one.name !== name);
    keep();
    void wallet.discard(name);
  }

  /** Somebody else keeps them now. */
  function handed(): void {
    photos.value = [];
    keep();
  }

  /** What an earlier run left, unless it was somebody else's: then it goes. */
  async function restore(): Promise<void> {
    const left = stored();
    if (!left || !owner() || photos.value.length) return;
    if (left.owner !== owner()) {
      left.names.forEach((name) => void wallet.discard(name));
      uni.removeStorageSync(key());
      return;
    }
    const found = await Promise.all(left.names.map(async (name) => ({ name, path: await wallet.recall(name).catch(() => null) })));
    photos.value = found.filter((one): one is Chosen => one.path !== null);
    keep();
  }

  return { photos, add, drop, handed, restore };
}
