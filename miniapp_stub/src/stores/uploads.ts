import { defineStore } from "pinia";
import { computed, reactive, shallowRef, watch } from "vue";
import { keyed } from "@/api/keys";
import { mallCode } from "@/api/place";
import type { Schema } from "@/api/types";
import { upload } from "@/api/upload";
import { online } from "@/lib/online";
import { owner } from "@/lib/owner";
import { makeQueue, type Sending } from "@/lib/queue";
import { wallet } from "@/wallets";
import { useSession } from "./session";

const name = () => `uploads:${mallCode()}`;

function stored(): Sending[] {
  const kept: unknown = uni.getStorageSync(name());
  return Array.isArray(kept) ? (kept as Sending[]) : [];
}

async function recalled(photos: string[]): Promise<string[] | null> {
  const paths = await Promise.all(photos.map((photo) => wallet.recall(photo)));
  return paths.every((path): path is string => path !== null) ? paths : null;
}

/** Receipts on their way to the mall. What was sent in this run is found in `arrived` by its key. */
export const useUploads = defineStore("uploads", () => {
  const session = useSession();
  const all = shallowRef<Sending[]>([]);
  const arrived = reactive(new Map<string, number>());
  const mine = computed(() => (session.signedIn && session.since >= 0 ? all.value.filter((one) => one.owner === owner()) : []));

  const queue = makeQueue({
    read: stored,
    write: (now) => uni.setStorageSync(name(), now),
    now: Date.now,
    after: (pause, then) => void setTimeout(then, pause),
    owner: () => (session.signedIn ? owner() : 0),
    key: keyed,
    paths: recalled,
    discard: async (photos) => void (await Promise.all(photos.map((photo) => wallet.discard(photo)))),
    send: (paths, key, progress) => upload<Schema<"Receipt">>("/v1/receipts", paths, { field: "photo", key, progress }).done.then((receipt) => receipt.id),
    changed: (now) => (all.value = now),
    arrived: (one, receipt) => arrived.set(one.key, receipt),
  });

  watch(online, (now) => now && queue.wake());
  watch(() => session.since, queue.wake);
  uni.onAppShow(queue.wake);
  queue.wake();

  // `add` takes the names of pictures that lib/tray keeps: nothing is lost from the moment they were chosen.
  return { mine, arrived, add: queue.add, retry: queue.retry, remove: queue.remove, wake: queue.wake };
});
