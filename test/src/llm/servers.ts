// Real HTTP servers on loopback that speak the Anthropic Messages API and OpenAI chat completions. A policy function plays the model.
import * as http from "node:http";
import type { AddressInfo } from "node:net";

/** What a policy reads of a request, whichever API it came by. */
export interface ServedRequest {
  /** From 0. */
  readonly index: number;
  readonly model: string;
  readonly system: string;
  /** Text of each turn, oldest first; a tool call reads as its code, its result as the result. */
  readonly turns: readonly { readonly role: string; readonly text: string }[];
  /** Text of the last turn. */
  readonly last: string;
  /** The `repl` tool is offered: this is a root request. */
  readonly root: boolean;
  readonly body: Record<string, unknown>;
  readonly headers: http.IncomingHttpHeaders;
}

/** What a policy has the server do; a string is the reply's text. Faults: never answers, closes the socket, sends half of its body. */
export type Served =
  | string
  | {
      readonly text?: string;
      readonly code?: string;
      readonly usage?: ServedUsage;
      readonly stop?: string;
      readonly blocks?: readonly unknown[];
    }
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | { readonly raw: string | Uint8Array; readonly status?: number; readonly type?: string }
  | { readonly fault: "hang" | "reset" | "half" };

export interface ServedUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

export type Policy = (request: ServedRequest) => Served | Promise<Served>;

export interface ModelServer extends AsyncDisposable {
  /** Base URL for ANTHROPIC_BASE_URL or OPENAI_BASE_URL. */
  readonly url: string;
  readonly requests: readonly ServedRequest[];
  /** Most requests that were open at once. */
  readonly peak: number;
  /** Requests whose socket the client closed before it had its answer. */
  readonly closed: number;
  /** Resolves once `count` requests were closed by the client. */
  whenClosed(count: number): Promise<void>;
  /** Resolves once `count` requests have arrived. */
  whenAsked(count: number): Promise<void>;
}

export function serveAnthropic(policy: Policy): Promise<ModelServer> {
  return serve(policy, ANTHROPIC);
}

export function serveOpenAi(policy: Policy): Promise<ModelServer> {
  return serve(policy, OPENAI);
}

interface Api {
  readonly base: string;
  read(body: Record<string, unknown>): Pick<ServedRequest, "system" | "turns" | "root">;
  write(reply: Exclude<Extract<Served, { text?: string }>, string>, request: ServedRequest): unknown;
}

async function serve(policy: Policy, api: Api): Promise<ModelServer> {
  const requests: ServedRequest[] = [];
  const waiters = new Set<() => void>();
  const counts = { open: 0, peak: 0, closed: 0 };
  const wake = () => waiters.forEach((check) => check());
  const until = (done: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!done()) return;
        waiters.delete(check);
        resolve();
      };
      waiters.add(check);
      check();
    });

  const serveOne = async (incoming: http.IncomingMessage, response: http.ServerResponse) => {
    const body = toRecord(JSON.parse(await textOf(incoming)));
    const { system, turns, root } = api.read(body);
    const request: ServedRequest = {
      index: requests.length,
      model: String(body["model"]),
      system,
      turns,
      last: turns.at(-1)?.text ?? "",
      root,
      body,
      headers: incoming.headers,
    };
    requests.push(request);
    counts.open++;
    counts.peak = Math.max(counts.peak, counts.open);
    response.once("close", () => {
      counts.open--;
      if (!response.writableFinished) counts.closed++;
      wake();
    });
    wake();
    answer(await policy(request), request, response, api);
  };
  // A policy that throws is a failure of the test, as an unhandled rejection.
  const server = http.createServer((incoming, response) => void serveOne(incoming, response));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = addressOf(server);

  return {
    url: `http://127.0.0.1:${port}${api.base}`,
    requests,
    get peak() {
      return counts.peak;
    },
    get closed() {
      return counts.closed;
    },
    whenClosed: (count) => until(() => counts.closed >= count),
    whenAsked: (count) => until(() => requests.length >= count),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function answer(served: Served, request: ServedRequest, response: http.ServerResponse, api: Api): void {
  if (response.destroyed) return;
  if (typeof served === "object" && "fault" in served) {
    if (served.fault === "hang") return;
    if (served.fault === "reset") {
      response.destroy();
      return;
    }
    const whole = JSON.stringify(api.write({ text: "only half of this arrives" }, request));
    response.writeHead(200, { "content-type": "application/json", "content-length": whole.length });
    response.write(whole.slice(0, whole.length / 2), () => response.destroy());
    return;
  }
  if (typeof served === "object" && "raw" in served) {
    response.writeHead(served.status ?? 200, { "content-type": served.type ?? "application/json" });
    response.end(served.raw);
    return;
  }
  if (typeof served === "object" && "status" in served) {
    response.writeHead(served.status, { "content-type": "application/json", ...served.headers });
    response.end(JSON.stringify(served.body ?? { type: "error", error: { type: "api_error", message: "the policy says so" } }));
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(api.write(typeof served === "string" ? { text: served } : served, request)));
}

const ANTHROPIC: Api = {
  base: "",
  read(body) {
    const turns = toList(body["messages"]).map((message) => {
      const { role, content } = toRecord(message);
      return { role: String(role), text: typeof content === "string" ? content : toList(content).map(blockText).join("\n") };
    });
    const { system } = body;
    return { turns, system: typeof system === "string" ? system : toList(system).map(blockText).join("\n"), root: offersRepl(body) };
  },
  write({ text = "", code, usage = { input: 10, output: 5 }, stop, blocks = [] }, request) {
    return {
      id: `msg_${request.index}`,
      type: "message",
      role: "assistant",
      model: request.model,
      content: [
        ...blocks,
        ...(text === "" ? [] : [{ type: "text", text }]),
        ...(code === undefined ? [] : [{ type: "tool_use", id: `toolu_${request.index}`, name: "repl", input: { code } }]),
      ],
      stop_reason: stop ?? (code === undefined ? "end_turn" : "tool_use"),
      usage: {
        input_tokens: usage.input,
        output_tokens: usage.output,
        cache_read_input_tokens: usage.cacheRead ?? 0,
        cache_creation_input_tokens: usage.cacheWrite ?? 0,
      },
    };
  },
};

const OPENAI: Api = {
  base: "/v1",
  read(body) {
    const messages = toList(body["messages"]).map((message) => {
      const { role, content, tool_calls: calls } = toRecord(message);
      const code = toList(calls).map((call) => String(toRecord(toRecord(call)["function"])["arguments"]));
      return { role: String(role), text: [typeof content === "string" ? content : "", ...code].filter((part) => part !== "").join("\n") };
    });
    return {
      turns: messages.filter(({ role }) => role !== "system"),
      system: messages.find(({ role }) => role === "system")?.text ?? "",
      root: offersRepl(body),
    };
  },
  write({ text = "", code, usage = { input: 10, output: 5 }, stop }, request) {
    const calls =
      code === undefined
        ? []
        : [{ id: `call_${request.index}`, type: "function", function: { name: "repl", arguments: JSON.stringify({ code }) } }];
    return {
      id: `chatcmpl_${request.index}`,
      object: "chat.completion",
      created: 0,
      model: request.model,
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: text === "" ? null : text, ...(calls.length === 0 ? {} : { tool_calls: calls }) },
          finish_reason: stop ?? (code === undefined ? "stop" : "tool_calls"),
        },
      ],
      usage: {
        prompt_tokens: usage.input,
        completion_tokens: usage.output,
        total_tokens: usage.input + usage.output,
        prompt_tokens_details: { cached_tokens: usage.cacheRead ?? 0 },
      },
    };
  },
};

function offersRepl(body: Record<string, unknown>): boolean {
  return toList(body["tools"]).length > 0;
}

function blockText(block: unknown): string {
  const { type, text, input, content } = toRecord(block);
  if (type === "text") return String(text);
  if (type === "tool_use") return String(toRecord(input)["code"]);
  if (type === "tool_result") return typeof content === "string" ? content : toList(content).map(blockText).join("\n");
  return "";
}

function addressOf(server: http.Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address;
}

async function textOf(incoming: http.IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function toRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
