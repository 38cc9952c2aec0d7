// Names a function mentions and does not bind: the tables are the scoping rules of the language.
import { parseExpressionAt } from "acorn";
import { describe, expect, it } from "vitest";
import { freeNames } from "../../prelude/scopes.ts";

function free(source: string): string[] {
  return [...freeNames(parseExpressionAt(`(${source})`, 0, { ecmaVersion: "latest" }))];
}

describe("free names", () => {
  it.each([
    ["() => a + b.c[d].e", ["a", "b", "d"]],
    ["(a) => a + b", ["b"]],
    ["(a, { b, c: [d = e], ...f }, ...g) => a + b + d + f + g", ["e"]],
    ["({ [key]: value }) => value", ["key"]],
    ["(a = b, c = a) => c", ["b"]],
    ["function self(n) { return n ? self(n - 1) : arguments.length }", []],
    ["() => { const a = 1; let b = a; var c = b; return c + d }", ["d"]],
    ["() => { { const a = 1 } return a }", ["a"]],
    ["() => { if (x) { var a = 1 } return a }", ["x"]],
    ["() => { for (const i of list) use(i); return i }", ["list", "use", "i"]],
    ["() => { for (var i = 0; i < n; i++); return i }", ["n"]],
    ["() => { for (const k in o) k; for (let i = 0; ;) i }", ["o"]],
    ["() => { f(); function f() { return g() } }", ["g"]],
    ["() => { { function f() {} } f() }", ["f"]],
    ["() => { try { a() } catch ({ message }) { b(message) } finally { c() } }", ["a", "b", "c"]],
    ["() => { try {} catch { e } }", ["e"]],
    ["() => ({ a, b: c, [d]: 1, e() { return f }, get g() { return h }, ...i })", ["a", "c", "d", "f", "h", "i"]],
    ["class A extends B { c = d; static e = A; #p = 1; [f]() { return this.#p + super.g + new.target } }", ["B", "d", "f"]],
    ["() => { class A { m() { return A } } return A }", []],
    ["() => class A { static { var inside = outer } }", ["outer"]],
    ["() => { switch (a) { case b: let c = 1; default: c } }", ["a", "b"]],
    ["() => { loop: for (;;) { break loop } }", []],
    ["() => typeof maybe === 'undefined' || typeof sure.x", ["sure"]],
    ["() => { a = 1; b++; [c, d.e] = f; ({ g: h = i } = j) }", ["a", "b", "c", "d", "f", "h", "i", "j"]],
    ["() => `${a} ${`${b}`}` + tag`x${c}`", ["a", "b", "tag", "c"]],
    ["async function* g() { yield* a; await b; for await (const c of d) c }", ["a", "b", "d"]],
    ["() => a?.b?.[c]?.(d)", ["a", "c", "d"]],
    ["() => undefined", []],
    ["() => { const { a = b, ...rest } = c, [d] = e; return a + d + rest }", ["b", "c", "e"]],
    ["(x) => { { let x = y } return x }", ["y"]],
    ["() => (() => inner)(function () { return this })", ["inner"]],
  ] as const)("of %s", (source, names) => {
    expect(free(source).toSorted()).toEqual([...names].toSorted());
  });

  it("come in the order they appear, each once", () => {
    expect(free("() => b + a + b")).toEqual(["b", "a"]);
  });
});
