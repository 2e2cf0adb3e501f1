/// <reference types="vite/client" />

declare module "*.vue" {
  import type { DefineComponent } from "vue";
  const component: DefineComponent<object, object, unknown>;
  export default component;
}

interface ImportMetaEnv {
  /** Code of the mall that a mini-program belongs to; h5 reads it from its address. */
  readonly VITE_MALL_CODE?: string;
  /** https origin of the API; h5 uses its own. */
  readonly VITE_API_ORIGIN?: string;
}
