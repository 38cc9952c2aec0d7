// Builds dist/: the prelude as one script for the isolate, the kernel as one file for the child process, and the host. With
// --declarations also what a package says of its types. Runs under the kernel's flags, or V8 would not take the compiled form there.
import { build, type Plugin } from "esbuild";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { constants, createContext, Script } from "node:vm";
import { readBuiltInRules } from "./src/scan/rules.ts";
import { cacheOf, SCRIPT_NAME, V8_FLAGS } from "./sandbox/script-cache.ts";

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

// Chunks are named by their content: those of an earlier build would stay for ever.
for (const name of await readdir("dist").catch(() => [])) if (/\.(?:c?js|cache)$/.test(name)) await rm(join("dist", name));

// What Node has compiled of them (src/launcher/bin.cjs).
await rm("dist/compiled", { recursive: true, force: true });

await Promise.all([
  build({
    ...common,
    entryPoints: { prelude: "prelude/index.ts", scan: "prelude/scan.ts" },
    outdir: "dist",
    format: "iife",
    globalName: "prelude",
    banner: { js: "(function(post, setup){" },
    footer: { js: "return prelude.boot(post, setup);})" },
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
    entryPoints: { kernel: "sandbox/kernel/main.ts", "scan-thread": "src/scan/thread.ts" },
    outdir: "dist",
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    platform: "node",
    target: "node24",
    alias: { "@secretlint/profiler": "./src/scan/no-profiler.ts" },
    external: ["@ast-grep/napi", "isolated-vm"],
  }),
  build({
    ...common,
    entryPoints: {
      bin: "src/bin.ts",
      index: "src/index.ts",
      "scan-process": "src/scan/process.ts",
    },
    outdir: "dist",
    // Beside the entries: paths relative to a module are the same in all of them.
    chunkNames: "[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node24",
    // Installed beside us; what is not named here is a part of the bundle.
    external: [
      "@anthropic-ai/sdk",
      "@ast-grep/*",
      "@vscode/ripgrep",
      "enquirer",
      "esbuild",
      "isolated-vm",
      "openai",
      "p-limit",
      "piscina",
      "yaml",
    ],
    splitting: true,
  }),
]);

await writeFile("dist/rules.json", JSON.stringify(readBuiltInRules("src/scan/rules")));

/** What a script needs to boot, so that its compiled form holds the functions that every start runs, and not only the outermost one. */
const SETUP = JSON.stringify({ seed: 1, now: 0, workers: 1, tools: [], limits: {}, functions: [], captures: [] });

setFlagsFromString(V8_FLAGS);
for (const name of ["prelude.js", "scan.js"]) {
  const path = join("dist", name);
  const script = new Script(await readFile(path, "utf8"), { filename: SCRIPT_NAME });
  script.runInContext(createContext(constants.DONT_CONTEXTIFY))(() => undefined, SETUP);
  await writeFile(cacheOf(path), script.createCachedData());
}

/** What tsc says of a module and of all that it names; a consumer finds `./a.js` whatever its settings. */
async function declare(module: string, declared = new Set<string>()): Promise<void> {
  if (declared.has(module)) return;
  declared.add(module);
  const text = await readFile(join("dist/types", module), "utf8");
  const target = join("dist/declarations", module);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text.replaceAll(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, "$1$2.js$1"));
  for (const [, path = ""] of text.matchAll(/["'](\.{1,2}\/[^"']+)\.ts["']/g))
    await declare(join(dirname(module), `${path}.d.ts`), declared);
}

if (process.argv.includes("--declarations")) {
  await rm("dist/declarations", { recursive: true, force: true });
  await declare("src/index.d.ts");
}
