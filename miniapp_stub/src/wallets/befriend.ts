// What uni-app's parts leave out in a browser for keyboards and screen readers: names of fields and pictures, and buttons that take the focus.

function nameOf(part: Element): string {
  return part.closest("[aria-label]")?.getAttribute("aria-label") ?? "";
}

function tidy(root: ParentNode): void {
  for (const picture of root.querySelectorAll("img:not([alt])")) picture.setAttribute("alt", nameOf(picture));
  for (const field of root.querySelectorAll("uni-input input:not([aria-label]), uni-textarea textarea:not([aria-label])")) field.setAttribute("aria-label", nameOf(field));
  for (const way of root.querySelectorAll(".uni-page-head-btn:not([tabindex])")) {
    way.setAttribute("tabindex", "0");
    way.setAttribute("role", "button");
    way.setAttribute("aria-label", document.documentElement.lang === "en" ? "Back" : "返回");
  }
  for (const heading of root.querySelectorAll("[role=heading]:not([aria-level])")) heading.setAttribute("aria-level", "2");
  for (const button of root.querySelectorAll("uni-button:not([tabindex])")) {
    button.setAttribute("tabindex", "0");
    if (!button.hasAttribute("role")) button.setAttribute("role", "button");
  }
}

function press(event: KeyboardEvent): void {
  const on = event.target as HTMLElement;
  if (!on.matches("uni-button, .uni-page-head-btn") || (event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  on.click();
}

/** Do so now, and for everything that comes later. */
export function befriend(): void {
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      tidy(document);
    });
  };
  new MutationObserver(later).observe(document.documentElement, { childList: true, subtree: true });
  document.addEventListener("keydown", press);
}
