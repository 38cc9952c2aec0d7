// The web's everyday globals, from libraries that keep to their standards, and the removal of what a sandbox and a replay cannot have.
// First: core-js puts a Function.prototype.toString of its own in place of V8's.
import { NativePromise, nativeToString, uncurry } from "./primordials.ts";
import "core-js/actual/structured-clone.js";
import "core-js/actual/url/index.js";
import "core-js/actual/url-search-params/index.js";
import "core-js/actual/atob.js";
import "core-js/actual/btoa.js";
import { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";
import { AbortController, AbortSignal } from "abortcontroller-polyfill/dist/cjs-ponyfill.js";
import { hidden } from "./clock.ts";
import { named } from "./errors.ts";

/** What cannot be replayed, or reaches past the isolate's limits. */
const then = uncurry(NativePromise.prototype.then);

const REMOVED = ["WebAssembly", "SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry", "__core-js_shared__"];

export function installWeb(): void {
  hidden(globalThis, "TextEncoder", TextEncoder);
  hidden(globalThis, "TextDecoder", TextDecoder);
  hidden(globalThis, "AbortController", AbortController);
  hidden(globalThis, "AbortSignal", AbortSignal);
  const resolved = NativePromise.resolve();
  const queueMicrotask = (task: () => void): void => {
    if (typeof task !== "function") throw new TypeError("queueMicrotask needs a function");
    // An error in the task is the entry's, as an uncaught one is.
    void then(resolved, () => task());
  };
  hidden(globalThis, "queueMicrotask", named("queueMicrotask", queueMicrotask));
  hidden(Function.prototype, "toString", nativeToString);
  for (const name of REMOVED) delete (globalThis as Record<string, unknown>)[name];
  for (const name of ["structuredClone", "URL", "URLSearchParams", "atob", "btoa", "DOMException"]) {
    hidden(globalThis, name, (globalThis as Record<string, unknown>)[name]);
  }
}
