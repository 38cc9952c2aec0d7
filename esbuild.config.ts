// Builds dist/: the prelude as one script for the isolate, the kernel as one file for the child process, and the host.
import { build, type Plugin } from "esbuild";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** `import text from "./file?text"`: the file's text. */
const text: Plugin = {
  name: "text",
  setup(build) {
    build.onResolve({ filter: /\?text$/ }, ({ path, importer }) => ({
      path: join(dirname(importer), path.replace(/\?text$/, "")),
      namespace: "text",
    }));
    build.onLoad({ filter: /.*/, namespace: "text" }, async ({ path }) => ({ contents: await readFile(path, "utf8"), loader: "text" }));
  },
};

/**
 * node-inspect-extracted looks for the properties of an array beside its items by copying every item's descriptor: a few million items
 * are out of memory. A long array is shown without such properties. Remove when the package asks for keys as Node does.
 */
const longArrays: Plugin = {
  name: "long-arrays",
  setup(build) {
    build.onLoad({ filter: /node-inspect-extracted[/\\]dist[/\\]inspect\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replace(/(getOwnNonIndexProperties:function\((\w+),\w+=2\)\{)/, "$1if($2.length>10000)return[];");
      if (contents === source) throw new Error("node-inspect-extracted has changed: look at getOwnNonIndexProperties again");
      return { contents, loader: "js" };
    });
  },
};

const common = { bundle: true, logLevel: "warning", legalComments: "none", charset: "utf8" } as const;

await Promise.all([
  build({
    ...common,
    entryPoints: { prelude: "prelude/index.ts", scan: "prelude/scan.ts" },
    outdir: "dist",
    format: "iife",
    globalName: "prelude",
    plugins: [text, longArrays],
    inject: ["prelude/built-ins.ts"],
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "esnext",
    minify: true,
    // The guest realm has no Node globals; libraries that feature-detect through `global` find the realm itself.
    define: { global: "globalThis" },
  }),
  build({
    ...common,
    entryPoints: { kernel: "sandbox/kernel/main.ts" },
    outdir: "dist",
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    platform: "node",
    target: "node24",
    external: ["isolated-vm"],
  }),
  build({
    ...common,
    entryPoints: { bin: "src/bin.ts", index: "src/index.ts" },
    outdir: "dist",
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node24",
    packages: "external",
    splitting: true,
  }),
]);
