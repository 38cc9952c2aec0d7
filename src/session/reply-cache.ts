// Replies of models on the disk, by what was asked: `<folder>/<first two digits>/<sha256>.json`. It belongs to its owner alone, and a
// file that is not whole is no reply.
import { existsSync, readdirSync, statSync } from "node:fs";
import { access, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import type { Model, ModelReply } from "../llm/model.ts";
import type { ReplyStore } from "../pool/memo.ts";
import { makeFolder } from "./state-dir.ts";

export class ReplyCache implements ReplyStore {
  readonly #folder: string;
  readonly #onFailure: (text: string) => void;
  #writes = 0;
  #hasFailed = false;

  /** `onFailure` is told, once, that nothing can be written. */
  constructor(folder: string, onFailure: (text: string) => void) {
    this.#folder = folder;
    this.#onFailure = onFailure;
  }

  async has(key: string, model: Model): Promise<boolean> {
    if (model.identity === undefined) return false;
    return await access(this.#path(key)).then(
      () => true,
      () => false,
    );
  }

  /** Undefined where there is none, and for a model that cannot be told apart from another of its name. */
  async get(key: string, model: Model): Promise<ModelReply | undefined> {
    if (model.identity === undefined) return undefined;
    try {
      const reply: unknown = JSON.parse(await readFile(this.#path(key), "utf8"));
      return isReply(reply) ? reply : undefined;
    } catch {
      return undefined;
    }
  }

  /** Written whole or not at all, whoever else writes the same. */
  async put(key: string, model: Model, reply: ModelReply): Promise<void> {
    if (model.identity === undefined) return;
    const path = this.#path(key);
    const own = `${path}.${process.pid}.${++this.#writes}`;
    try {
      makeFolder(join(path, ".."));
      await writeFile(own, JSON.stringify(reply), { mode: 0o600 });
      await rename(own, path);
    } catch (error) {
      if (!this.#hasFailed) this.#onFailure(`the cache in ${this.#folder} cannot be written (${messageOf(error)}): replies are not kept`);
      this.#hasFailed = true;
    }
  }

  #path(key: string): string {
    return join(this.#folder, key.slice(0, 2), `${key}.json`);
  }
}

/** Files of replies that nobody wrote since a time, in ms since the epoch. */
export function repliesBefore(folder: string, time: number): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).mtimeMs < time);
}

function isReply(value: unknown): value is ModelReply {
  return (
    typeof value === "object" &&
    value !== null &&
    "text" in value &&
    typeof value.text === "string" &&
    "stop" in value &&
    value.stop === "end" &&
    "usage" in value &&
    typeof value.usage === "object" &&
    value.usage !== null &&
    "inputTokens" in value.usage
  );
}
