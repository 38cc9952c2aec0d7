// Libraries that bring no types, declared as far as the prelude uses them.
declare module "core-js/actual/*";
declare module "abortcontroller-polyfill/dist/cjs-ponyfill.js" {
  export const AbortController: new () => { readonly signal: object; abort(reason?: unknown): void };
  export const AbortSignal: object;
}
/** The contract's text, put in by the build. */
declare module "*/prelude.d.ts?text" {
  const text: string;
  export default text;
}
