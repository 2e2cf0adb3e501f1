// A browser fetches a page's script when it is opened; without a connection it would not open. A wallet has them all.
const QUIET = 8_000;

/** Fetch, when the first page has long been drawn, the pages that are wanted with one bar of signal. */
export function fetchAhead(): void {
  // #ifdef H5
  const pages = import.meta.glob(["../pages/{receipt,receipts,points,level,messages,code,me,plate,order,pay-code}/*.vue"]);
  setTimeout(() => void Object.values(pages).reduce((before, load) => before.then(load).catch(() => undefined), Promise.resolve<unknown>(undefined)), QUIET);
  // #endif
}
