// A kernel that was taken over may say anything: what passes a guard has exactly the fields the host expects.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kernelFrame, post } from "../../sandbox/guards.ts";

describe("frames", () => {
  it.each([
    [{ type: "ready", version: 1, node: "v24", v8: "13" }, true],
    [{ type: "ready", version: "1", node: "v24", v8: "13" }, false],
    [{ type: "post" }, true],
    [{ type: "entered", seq: 1, end: "ok", ms: 1 }, true],
    [{ type: "entered", seq: -1, end: "ok", ms: 1 }, false],
    [{ type: "entered", seq: 1, end: "fine", ms: 1 }, false],
    [{ type: "entered", seq: 1, end: "ok", ms: Number.NaN }, false],
    [{ type: "jobs_ended", scan: 1, jobs: [{ job: 0, ok: true, ms: 2, bytes: 1 }] }, true],
    [{ type: "jobs_ended", scan: 1, jobs: [{ job: 0, ok: "yes", ms: 2, bytes: 1 }] }, false],
    [{ type: "jobs_ended", scan: 1, jobs: [{ job: 0, ok: true, ms: 2 }] }, false],
    [{ type: "pong", n: 1, rss: 1 }, true],
    [{ type: "unknown" }, false],
    [null, false],
    [[], false],
    ["post", false],
  ])("%j", (head, passes) => {
    expect(kernelFrame(head) !== undefined).toBe(passes);
  });

  it("carry nothing but known fields", () => {
    expect(kernelFrame({ type: "pong", n: 1, rss: 2, extra: { a: 1 } })).toEqual({ type: "pong", n: 1, rss: 2 });
  });

  it("never throw, whatever comes", () => {
    fc.assert(fc.property(fc.anything(), (head) => void kernelFrame(head)));
  });
});

describe("posts", () => {
  it.each([
    ['["call",1,"llm",{"prompt":"x"}]', true],
    ['["call",1,"rm",{}]', false],
    ['["call",1,"constructor",{}]', false],
    ['["call",1.5,"llm",{}]', false],
    ['["console","text"]', true],
    ['["console",5]', false],
    ['["done",{"outcome":"ok","tail":"","cell":1,"console_length":0,"vars":[]}]', true],
    ['["done",{"outcome":"great","tail":"","cell":1,"console_length":0,"vars":[]}]', false],
    ['["final",{"preview":"1","long":"1","type":"number","json":"1"}]', true],
    ['["final",{"preview":"1","long":"1","type":"number"}]', false],
    ['["final",{"preview":"1","long":"1","type":"number","json":"{"}]', false],
    ["{}", false],
    ["not JSON", false],
  ])("%s", (text, passes) => {
    expect(post(text) !== undefined).toBe(passes);
  });

  it("keep an answer under a name like __proto__ from touching anything", () => {
    post('["final",{"__proto__":{"polluted":1},"preview":"","long":"","type":"object","json":"{\\"__proto__\\":{\\"polluted\\":1}}"}]');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("never throw, whatever comes", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void post(text)));
  });
});
