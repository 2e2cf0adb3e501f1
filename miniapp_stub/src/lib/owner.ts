import { heldTokens } from "@/api/tokens";

/** Number of the member whose token this device holds, read without a connection; 0 for nobody. */
export function owner(): number {
  const claims = heldTokens()?.access.split(".")[1];
  if (!claims) return 0;
  const padded = claims.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (claims.length % 4)) % 4);
  const letters = Array.from(new Uint8Array(uni.base64ToArrayBuffer(padded)), (code) => String.fromCharCode(code)).join("");
  const found = /"sub":\s*"member:(\d+)"/.exec(letters);
  return found ? Number(found[1]) : 0;
}
