// What a user installs: the tarball, in an empty project, by each line the README names.
import { parse } from "acorn";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createContext, Script } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { environment, installPackage, oldNode, ownCache, ROOT, run, sizeOf, type Package, type Ran } from "./setup.ts";

let installed: Package;
beforeAll(async () => {
  installed = await installPackage();
}, 180_000);
afterAll(() => installed[Symbol.dispose](), 180_000);

const LAUNCHERS = ["bin.cjs", "old-node.cjs"] as const;
const launcher = (name: (typeof LAUNCHERS)[number]): string => join(installed.project, "node_modules/rlm-repl/src/launcher", name);

function write(name: string, text: string): string {
  const path = join(installed.project, name);
  writeFileSync(path, text);
  return path;
}

function command(...args: readonly string[]): Promise<Ran> {
  const env = environment({ XDG_STATE_HOME: join(installed.folder, "state") });
  return run(join(installed.project, "node_modules/.bin/rlm-repl"), args, { cwd: installed.project, env });
}

describe("the tarball", () => {
  it("holds what is used, and nothing else", () => {
    const used = [
      /^(?:package\.json|README\.md|LICENSE)$/,
      /^dist\/[\w-]+\.c?js$/,
      /^dist\/rules\.json$/,
      /^dist\/(?:prelude|scan)\.js\.[\w.-]+\.cache$/,
      /^dist\/declarations\/(?:src|sandbox|prelude)\/.*\.d\.ts$/,
      /^(?:docs|examples)\//,
      /^prelude\/prelude\.d\.ts$/,
      /^src\/launcher\/[\w-]+\.cjs$/,
      /^src\/scan\/rules\/\w+\/\w+\.yml$/,
    ];
    expect(installed.files.filter((file) => !used.some((pattern) => pattern.test(file)))).toEqual([]);
    expect(used.filter((pattern) => !installed.files.some((file) => pattern.test(file)))).toEqual([]);
  });

  it("is as large, installed, as the README says", () => {
    const megabytes = sizeOf(join(installed.project, "node_modules")) / 1e6;
    const said = Number(/\((\d+) MB, dependencies included\)/.exec(readFileSync(join(ROOT, "README.md"), "utf8"))?.[1]);
    expect(megabytes).toBeLessThan(said);
    expect(megabytes).toBeGreaterThan(said * 0.6);
  });
});

describe("the library", () => {
  const PROGRAM = `
    const replies = async (prompt) => (prompt === "sub" ? "a reply" : "\`\`\`ts\\nFINAL([context.length, 7])\\n\`\`\`");
    const session = await openSession({ model: replies, context: { text: "abc" }, ephemeral: true });
    const first = await session.run("const a: number = 20; a + 1");
    const second = await session.run("(await llm_query('sub')) + a");
    const answered = await session.ask("How long?");
    await session.close();
    const alone = await ask("How long?", { model: replies, context: { text: "abcd" }, ephemeral: true });
    console.log(JSON.stringify([first.value, second.value, answered.answer, alone.answer, optimalWorkers() >= 4]));`;

  it.each([
    ["a module", "program.mjs", `import { openSession, ask, optimalWorkers } from "rlm-repl"; ${PROGRAM}`],
    ["CommonJS", "program.cjs", `const { openSession, ask, optimalWorkers } = require("rlm-repl"); (async () => {${PROGRAM}})();`],
  ])("runs in %s, and the process ends by itself", async (_, name, text) => {
    const { code, stdout, stderr } = await run(process.execPath, [write(name, text)]);
    expect({ code, stderr, said: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      stderr: "",
      said: [21, "a reply20", [3, 7], [4, 7], true],
    });
  });

  it("does what the README shows", async () => {
    const shown = /^```ts\n(import [\s\S]*?)^```/m.exec(readFileSync(join(ROOT, "README.md"), "utf8"))?.[1] ?? "";
    mkdirSync(join(installed.project, "logs"));
    write("logs/app.log", "ERROR one\nfine\nERROR two\n");
    const program = write("readme.mjs", `${shown}\nconsole.log(JSON.stringify(value));`);
    const env = environment({ XDG_STATE_HOME: join(installed.folder, "state") });
    expect(await run(process.execPath, [program], { cwd: installed.project, env })).toEqual({
      code: 0,
      stdout: '{"app.log":2}\n',
      stderr: "",
    });
  });

  it.each(["nodenext", "bundler"])("has its types, under %s", async (moduleResolution) => {
    const module = moduleResolution === "bundler" ? "preserve" : moduleResolution;
    write(
      "typed.mts",
      `import { ask, HostError, openSession, optimalWorkers, type CellResult, type Model, type SessionEvent } from "rlm-repl";
       await using session = await openSession({ model: async (prompt) => prompt.trim(), onEvent: (event: SessionEvent) => void event.type });
       const { value, outcome }: CellResult = await session.run("1", { signal: AbortSignal.timeout(1) });
       const model: Model | undefined = undefined;
       const calls: number = (await ask("?", { paths: ["."], maxCost: 1, ...(model === undefined ? {} : { model }) })).usage.calls;
       for await (const event of session.events) if (event.type === "cell_end") event.result.preview.trim();
       if (value instanceof HostError) value.code satisfies string;
       // @ts-expect-error No such option.
       await openSession({ maxCosts: 1 });
       // @ts-expect-error A number.
       optimalWorkers().trim();
       // @ts-expect-error No such outcome.
       if (outcome === "fine") session;
       // @ts-expect-error Nothing is \`any\`.
       session.usage.nothing;
       export { calls };`,
    );
    const compilerOptions = {
      module,
      moduleResolution,
      target: "es2024",
      lib: ["esnext", "dom"],
      types: [],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    };
    const project = write(`tsconfig.${moduleResolution}.json`, JSON.stringify({ compilerOptions, files: ["typed.mts"] }));
    const tsc = createRequire(import.meta.url)
      .resolve("typescript/package.json")
      .replace("package.json", "bin/tsc");
    expect(await run(process.execPath, [tsc, "-p", project])).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

describe("the command", () => {
  it.each([
    [["-e", "2 ** 5"], 0, "32\n"],
    [["-e", "throw new Error('no')"], 1, ""],
    [["--version"], 0, `${(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version}\n`],
    [["help"], 0, "rlm-repl help TOPIC"],
    [["doctor"], 0, "isolated-vm"],
    [["run", join(ROOT, "examples/count-in-code.ts"), "-c", join(ROOT, "examples/data/reviews.json"), "--model", "offline"], 0, ""],
  ])("%j", async (args, code, said) => {
    const ran = await command(...args);
    expect(ran.stdout).toContain(said);
    expect(ran.code, ran.stderr).toBe(code);
  });

  it("demo PATH", async () => {
    const folder = join(installed.folder, "demo");
    mkdirSync(join(folder, "thing"), { recursive: true });
    writeFileSync(join(folder, "thing/index.js"), 'require("node:child_process").exec("ls");\n');
    const { code, stdout, stderr } = await command("demo", folder);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("thing/index.js");
  });

  it("loads what a cell does not use on first use", async () => {
    const log = join(installed.folder, "loaded");
    const hook = `const { registerHooks } = require("node:module"); const { appendFileSync } = require("node:fs");
      registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + "\\n"); return next(url, context); } });`;
    const env = environment({
      NODE_OPTIONS: `--require=${write("hook.cjs", hook)}`,
      OPENAI_BASE_URL: "http://127.0.0.1:9/v1",
      OPENAI_API_KEY: "none",
    });
    const loadedBy = async (code: string): Promise<string[]> => {
      writeFileSync(log, "");
      await run(process.execPath, [launcher("bin.cjs"), "-e", code, "--model", "openai:none", "--call-timeout", "1"], {
        cwd: installed.project,
        env,
      });
      const loaded = readFileSync(log, "utf8");
      return ["esbuild", "p-limit", "enquirer", "openai", "@anthropic-ai/sdk", "@vscode/ripgrep"].filter((name) =>
        loaded.includes(`/node_modules/${name}/`),
      );
    };
    expect(await loadedBy("1")).toEqual(["esbuild", "p-limit"]);
    expect(await loadedBy("await rg_files('x', null, {max_workers: 1})")).toEqual(["esbuild", "p-limit", "@vscode/ripgrep"]);
    expect(await loadedBy("await llm_query('x')")).toEqual(["esbuild", "p-limit", "openai"]);
  });
});

describe("an old Node", () => {
  const REMEDY = "npx -y -p node@24 -p rlm-repl rlm-repl";

  it.each(LAUNCHERS)("can read %s", (name) => {
    const source = readFileSync(launcher(name), "utf8");
    expect(() => parse(source, { ecmaVersion: 5, allowHashBang: true })).not.toThrow();
  });

  /** A launcher as a Node of this version would run it. What it loads next is named instead. */
  function under(
    version: string,
    path: string,
  ): { readonly said: string; readonly exitCode: number | undefined; readonly loaded: string[] } {
    const found = { said: "", exitCode: undefined as number | undefined, loaded: [] as string[] };
    const load = (file: string): object => {
      const module = { exports: {} };
      const fake = { versions: { node: version }, stderr: { write: (text: string) => (found.said += text) } };
      const require = (name: string): unknown => {
        if (name === "./old-node.cjs") return load(join(file, "..", name));
        if (name === "module") return { enableCompileCache: () => undefined };
        if (!name.startsWith(".")) return createRequire(file)(name);
        return found.loaded.push(name);
      };
      require.main = file === path ? module : undefined;
      const context = createContext({ require, module, exports: module.exports, process: fake, __dirname: join(file, "..") });
      new Script(readFileSync(file, "utf8").replace(/^#!.*/, "")).runInContext(context);
      if ("exitCode" in fake) found.exitCode = fake.exitCode as number;
      return module.exports;
    };
    load(path);
    return found;
  }

  it.each(["0.10.48", "12.22.12", "20.19.0", "23.11.1"])("%s gets one sentence with the remedy", (version) => {
    for (const [name, exitCode] of [
      ["bin.cjs", 2],
      ["old-node.cjs", 1],
    ] as const) {
      const { said, ...ended } = under(version, launcher(name));
      expect(ended).toEqual({ exitCode, loaded: [] });
      expect(said.match(/\n/g)).toHaveLength(1);
      expect(said).toContain(`this is Node ${version}`);
      expect(said).toContain(REMEDY);
    }
  });

  it("is pointed to npm's scripts in a checkout, which installs all the same", () => {
    const inCheckout = (name: string): string => join(ROOT, "src/launcher", name);
    expect(under("20.19.0", inCheckout("bin.cjs"))).toMatchObject({
      exitCode: 2,
      said: expect.stringContaining("npm run -s rlm-repl -- ") as string,
    });
    expect(under("20.19.0", inCheckout("old-node.cjs"))).toEqual({ exitCode: undefined, loaded: [], said: "" });
  });

  it.each(["24.0.0", "26.1.0"])("is not %s", (version) => {
    expect(under(version, launcher("bin.cjs"))).toEqual({ exitCode: undefined, loaded: ["../../dist/bin.js"], said: "" });
    expect(under(version, launcher("old-node.cjs"))).toEqual({ exitCode: undefined, loaded: [], said: "" });
  });

  it("of this system is told so", async ({ skip }) => {
    const node = await oldNode();
    if (node === undefined) return skip();
    expect(await run(node, [launcher("old-node.cjs")])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining(REMEDY) as string,
    });
    expect(await run(node, [launcher("bin.cjs"), "-e", "1"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(REMEDY) as string,
    });
  });
});

describe("the README's install lines", () => {
  it("npm i -g rlm-repl", async () => {
    const prefix = join(installed.folder, "global");
    await installed.npm("install", "-g", "--prefix", prefix, installed.tarball);
    expect(await run(join(prefix, "bin/rlm-repl"), ["-e", "1 + 1"])).toEqual({ code: 0, stdout: "2\n", stderr: "" });
  });

  it("npx -y -p node@24 -p rlm-repl rlm-repl, with the system's own Node", async () => {
    const cache = await ownCache(installed.folder);
    const env = environment({ npm_config_cache: cache, npm_config_prefer_offline: "true" }, { system: true });
    const ran = await run("npx", ["-y", "-p", "node@24", "-p", installed.tarball, "rlm-repl", "-e", "1 + 1"], {
      cwd: installed.folder,
      env,
    });
    expect(ran.stdout, ran.stderr).toBe("2\n");
  }, 180_000);
});
