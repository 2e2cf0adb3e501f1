import { ref } from "vue";

/** Whether the phone has a connection at all. */
export const online = ref(true);

/** Listen from now on. */
export function watchConnection(): void {
  uni.getNetworkType({ success: (now) => (online.value = now.networkType !== "none") });
  uni.onNetworkStatusChange((now) => (online.value = now.isConnected));
}
