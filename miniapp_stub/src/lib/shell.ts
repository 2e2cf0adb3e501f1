/** The first page is there: what index.html showed in its place may go (h5; a wallet draws its own wait). */
export function shellGone(): void {
  // #ifdef H5
  document.getElementById("shell")?.remove();
  // #endif
}
