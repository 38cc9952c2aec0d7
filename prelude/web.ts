// The web's everyday globals, from libraries that keep to their standards, and the removal of what a sandbox and a replay cannot have.
import "core-js/actual/structured-clone.js";
import "core-js/actual/url/index.js";
import "core-js/actual/url-search-params/index.js";
import "core-js/actual/atob.js";
import "core-js/actual/btoa.js";
import { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";
import { AbortController, AbortSignal } from "abortcontroller-polyfill/dist/cjs-ponyfill.js";
import { hidden } from "./clock.ts";
import { NativePromise } from "./primordials.ts";

/** What cannot be replayed, or reaches past the isolate's limits. */
const REMOVED = ["WebAssembly", "SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry", "__core-js_shared__"];

export function installWeb(): void {
  hidden(globalThis, "TextEncoder", TextEncoder);
  hidden(globalThis, "TextDecoder", TextDecoder);
  hidden(globalThis, "AbortController", AbortController);
  hidden(globalThis, "AbortSignal", AbortSignal);
  const resolved = NativePromise.resolve();
  hidden(globalThis, "queueMicrotask", function queueMicrotask(task: () => void) {
    if (typeof task !== "function") throw new TypeError("queueMicrotask needs a function");
    // An error in the task is the entry's, as an uncaught one is.
    void resolved.then(() => task());
  });
  for (const name of REMOVED) delete (globalThis as Record<string, unknown>)[name];
  for (const name of ["structuredClone", "URL", "URLSearchParams", "atob", "btoa", "DOMException"]) {
    hidden(globalThis, name, (globalThis as Record<string, unknown>)[name]);
  }
}
