// Which mall, and where its API is.

/** The mall's code: of the address on h5 (/m/<code>/), of the build in a mini-program. */
export function mallCode(): string {
  // #ifdef H5
  return decodeURIComponent(location.pathname.split("/")[2] || "demo");
  // #endif
  // #ifndef H5
  return import.meta.env.VITE_MALL_CODE || "demo";
  // #endif
}

/** Origin of the API, without a slash at its end; empty means the page's own. */
export function origin(): string {
  // #ifdef H5
  return "";
  // #endif
  // #ifndef H5
  return import.meta.env.VITE_API_ORIGIN || "http://127.0.0.1:8000";
  // #endif
}

/** The whole address of a picture that anybody may see: <image> takes a path without an origin for one of the pages' own files. */
export function pictureAt(path: string): string {
  // #ifdef H5
  return location.origin + path;
  // #endif
  // #ifndef H5
  return origin() + path;
  // #endif
}
