import { call } from "@/api/client";
import { keyed } from "@/api/keys";
import { wallet } from "@/wallets";

/** Ask the person, within a tap, to agree to one more message of these templates; the mall counts what was agreed to. Never in the way of the tap's own work. */
export async function askToPush(templates: (string | null | undefined)[]): Promise<void> {
  const wanted = templates.filter((id): id is string => Boolean(id));
  if (!wanted.length) return;
  try {
    const agreed = await wallet.subscribe(wanted);
    if (agreed.length) await call("post", "/v1/me/wants/grants", { body: { template_ids: agreed }, key: keyed() });
  } catch {
    // Not agreed to, or not told: the message is found in the inbox.
  }
}
