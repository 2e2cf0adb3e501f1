/** The code of a plate in what a scanner read: the plate's address (https://mall.example/q/abc…), or the bare code; null for anything else. */
export function plateCode(read: string): string | null {
  const text = read.trim();
  const found = /^https?:\/\/[^/?#\s]+\/q\/([a-z2-9]{12})\/?(?:[?#].*)?$/.exec(text) ?? /^([a-z2-9]{12})$/.exec(text);
  return found ? found[1] : null;
}
