// The house's walls: which layer may import which, and which module alone may touch what. Derived from the sources each time.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Each layer, and those it may import; itself always. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "src/bin.ts": ["src/cli", "sandbox"],
  "src/index.ts": [
    "src/calls",
    "src/library",
    "src/loop",
    "src/session",
    "src/pool",
    "src/llm",
    "src/workspace",
    "src/config",
    "src/errors.ts",
    "sandbox",
  ],
  "src/cli": [
    "src/bench",
    "src/eval",
    "src/library",
    "src/notebook",
    "src/scan",
    "src/session",
    "src/pool",
    "src/llm",
    "src/workspace",
    "src/config",
    "src/errors.ts",
    "src/events.ts",
    "sandbox",
  ],
  "src/eval": ["src/library", "src/llm", "src/pool", "src/errors.ts"],
  "src/bench": ["src/library", "src/llm", "src/workspace", "src/config", "sandbox"],
  "src/library": [
    "src/scan",
    "src/calls",
    "src/loop",
    "src/session",
    "src/pool",
    "src/llm",
    "src/workspace",
    "src/config",
    "src/errors.ts",
    "src/events.ts",
    "sandbox",
    "prelude/contract.ts",
  ],
  "src/config": ["src/pool", "src/workspace", "src/errors.ts"],
  "src/notebook": [],
  "src/loop": ["src/session", "src/calls", "src/pool", "src/llm", "src/workspace", "src/errors.ts", "src/events.ts", "sandbox"],
  "src/session": [
    "src/scan",
    "src/calls",
    "src/pool",
    "src/llm",
    "src/workspace",
    "src/errors.ts",
    "src/events.ts",
    "sandbox",
    "prelude/contract.ts",
  ],
  "src/calls": ["src/scan", "src/pool", "src/llm", "src/workspace", "src/errors.ts", "src/events.ts", "sandbox", "prelude/contract.ts"],
  "src/scan": ["src/workspace", "src/errors.ts", "src/built.ts", "sandbox", "prelude/contract.ts"],
  "src/pool": ["src/llm", "src/errors.ts"],
  "src/llm": ["src/errors.ts"],
  "src/workspace": ["src/errors.ts", "sandbox"],
  "src/events.ts": ["sandbox"],
  "src/errors.ts": [],
  "src/built.ts": [],
  sandbox: ["prelude/contract.ts", "prelude/scopes.ts"],
  prelude: [],
};

/** Of the sandbox, the host sees its index and three files of plain data. */
const SANDBOX_DOORS = ["sandbox/index.ts", "sandbox/early.ts", "sandbox/limits.ts", "sandbox/outcome.ts"];

/** Modules and globals that only some files may name. */
const ALONE: readonly { readonly what: string; readonly pattern: RegExp; readonly only: readonly string[] }[] = [
  { what: "isolated-vm", pattern: /from "isolated-vm"|require\("isolated-vm"\)/, only: ["sandbox/kernel/isolate.ts"] },
  {
    what: "model SDKs and sockets",
    pattern: /(?:from|import\() ?"(?:openai|@anthropic-ai\/sdk|node:https?|node:tls|undici)(?:\/[^"]*)?"/,
    only: ["src/llm/"],
  },
  { what: "fetch", pattern: /(?<![.\w])fetch\(/, only: ["src/llm/"] },
  {
    what: "argv, stdout and exit codes",
    pattern: /process\.(?:argv|stdout|exit(?:Code)?)\b/,
    only: ["src/cli/", "src/bin.ts", "sandbox/kernel/main.ts"],
  },
  { what: "Node's flags", pattern: /"--(?:permission|allow-[\w-]+|no-node-snapshot)/, only: ["sandbox/spawn.ts"] },
  { what: "bubblewrap's arguments", pattern: /--(?:unshare|ro-bind|die-with-parent)/, only: ["sandbox/bubblewrap.ts"] },
  { what: "TypeScript's compiler", pattern: /from "typescript/, only: [] },
  { what: "esbuild", pattern: /from "esbuild"/, only: ["sandbox/transform/strip.ts"] },
  { what: "enquirer", pattern: /"enquirer"/, only: ["src/cli/dialog.ts"] },
  { what: "ast-grep", pattern: /from "@ast-grep\//, only: ["src/scan/grammars.ts", "src/scan/tree.ts"] },
  { what: "ripgrep", pattern: /"@vscode\/ripgrep"/, only: ["src/workspace/ripgrep.ts", "src/cli/doctor"] },
];

interface Import {
  readonly file: string;
  readonly target: string;
}

const files = ["src", "sandbox", "prelude"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => join(folder, name).replaceAll("\\", "/")),
);

function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(/(?:from|import\(|import) ?"(\.{1,2}\/[^"?]+)/g)].map(([, path = ""]) => ({
    file,
    target: relative(ROOT, join(ROOT, dirname(file), path)).replaceAll("\\", "/"),
  }));
}

function layerOf(file: string): string {
  const found = Object.keys(MAY_IMPORT).find((layer) => file === layer || file.startsWith(`${layer}/`));
  if (found === undefined) throw new Error(`${file} belongs to no layer: put it in one, or name a new layer here`);
  return found;
}

function isForbidden({ file, target }: Import): boolean {
  const layer = layerOf(file);
  if (target.endsWith(".json") || target.endsWith(".d.ts")) return false;
  if (layerOf(target) === layer) return false;
  if (!(MAY_IMPORT[layer] ?? []).some((allowed) => target === allowed || target.startsWith(`${allowed}/`))) return true;
  return target.startsWith("sandbox/") && !SANDBOX_DOORS.includes(target);
}

const text = (file: string): string => readFileSync(join(ROOT, file), "utf8");

describe("layers", () => {
  it("finds the sources", () => {
    expect(files.length).toBeGreaterThan(80);
  });

  it("import in one direction", () => {
    expect(files.flatMap((file) => importsOf(file, text(file))).filter(isForbidden)).toEqual([]);
  });

  it.each(ALONE)("$what: only where they belong", ({ pattern, only }) => {
    const trespassers = files.filter(
      (file) => !only.some((allowed) => file === allowed || file.startsWith(allowed)) && pattern.test(text(file)),
    );
    expect(trespassers).toEqual([]);
  });

  it("would see a forbidden import", () => {
    expect(isForbidden({ file: "src/llm/openai.ts", target: "src/session/session.ts" })).toBe(true);
    expect(isForbidden({ file: "prelude/bridge.ts", target: "sandbox/limits.ts" })).toBe(true);
    expect(isForbidden({ file: "src/session/session.ts", target: "sandbox/kernel/isolate.ts" })).toBe(true);
    expect(importsOf("prelude/a.ts", 'import { x } from "../src/errors.ts";').filter(isForbidden)).toHaveLength(1);
  });
});
