// Ways from page to page. A page that is not a tab is opened on top, so that going back finds what one left.

export type Tab = "home" | "receipts" | "code" | "me";
export const TABS: readonly Tab[] = ["home", "receipts", "code", "me"];

const address = (page: string) => `/pages/${page}/${page}`;

/** The name of the page that is on top. */
export function here(): string {
  const pages = getCurrentPages();
  return pages[pages.length - 1]?.route?.split("/").pop() ?? "";
}

function withQuery(page: string, query: Record<string, string | number>): string {
  const asked = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return address(page) + (asked.length ? `?${asked.join("&")}` : "");
}

/** Open a page, or turn to its tab. */
export function go(page: string, query: Record<string, string | number> = {}): void {
  if (TABS.includes(page as Tab)) uni.switchTab({ url: address(page) });
  else uni.navigateTo({ url: withQuery(page, query) });
}

/** Open a page in the place of the one that is on top: going back does not find that one again. */
export function goInstead(page: string, query: Record<string, string | number> = {}): void {
  uni.redirectTo({ url: withQuery(page, query) });
}

/** Back to where one was; home when there is no such place. */
export function back(): void {
  if (getCurrentPages().length > 1) uni.navigateBack();
  else go("home");
}

/** To the sign-in, on top of the page one is on; from there `back` leads here again. `why` says what is gained, or "ended". */
export function goSignIn(why: "ended" | "code" | "points" | "receipt" | "me" | "messages" | "pay" | "wallet" = "me"): void {
  if (here() !== "sign-in") go("sign-in", { why });
}
