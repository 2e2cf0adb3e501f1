import { ref } from "vue";

/** Whether the phone has a connection at all. */
export const online = ref(true);

/** Listen from now on. */
export function watchConnection(): void {
  uni.getNetworkType({ success: (now) => (online.value = now.networkType !== "none") });
  uni.onNetworkStatusChange((now) => (online.value = now.isConnected));
  // #ifdef H5
  // Not every browser tells of a lost connection the way that uni-app listens for.
  addEventListener("offline", () => (online.value = false));
  addEventListener("online", () => (online.value = true));
  // #endif
}
