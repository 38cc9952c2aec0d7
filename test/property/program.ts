// Programs for the property tests: statements of every kind that has a value or an effect, from a list of choices. They end, they declare
// a name once, before they use it, and assign to no constant: there cells are freer than the language.

/** Names in reach; `assignable` are those of `let` and `var`. */
interface Scope {
  readonly names: readonly string[];
  readonly assignable: readonly string[];
  readonly inLoop: boolean;
  readonly labels: readonly string[];
}

export class Program {
  readonly #choices: readonly number[];
  #next = 0;
  #made = 0;
  #top: Scope = { names: [], assignable: [], inLoop: false, labels: [] };

  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  /** One to four cells of up to six statements. */
  cells(): string[] {
    return Array.from({ length: 1 + this.#pick(4) }, () => {
      const { text, scope } = this.#statements(this.#top, 1 + this.#pick(6), 3);
      this.#top = scope;
      return text;
    });
  }

  #pick(n: number): number {
    return (this.#choices[this.#next++] ?? 0) % n;
  }

  #one<T>(list: readonly T[]): T | undefined {
    return list[this.#pick(Math.max(1, list.length))];
  }

  #name(): string {
    return `n${this.#made++}`;
  }

  #statements(outer: Scope, count: number, depth: number): { readonly text: string; readonly scope: Scope } {
    const names = [...outer.names];
    const assignable = [...outer.assignable];
    const scope = { ...outer, names, assignable };
    const lines: string[] = [];
    for (let i = 0; i < count; i++) {
      const made = this.#statement(scope, depth);
      lines.push(made.text);
      names.push(...(made.names ?? []));
      assignable.push(...(made.assignable ?? []));
    }
    return { text: lines.join("\n"), scope };
  }

  #block(scope: Scope, depth: number): string {
    // The semicolon keeps it from being an object.
    return `{; ${this.#statements(scope, this.#pick(4), depth - 1).text} }`;
  }

  #expression(scope: Scope, depth = 2, mayAwait = true): string {
    const inner = (isWithin = mayAwait): string => this.#expression(scope, depth - 1, isWithin);
    const known = this.#one(scope.names);
    if (depth === 0 || this.#choices.length <= this.#next) return known ?? `${this.#pick(10)}`;
    switch (this.#pick(13)) {
      case 0:
      case 1:
        return known ?? "1";
      case 2:
        return `(${inner()} + ${inner()})`;
      case 3:
        return `(${inner()} > 3 ? ${inner()} : ${inner()})`;
      case 4:
        return `${mayAwait ? "await " : ""}${inner()}`;
      case 5:
        return `((p, q = ${inner(false)}) => p + q)(${inner()})`;
      case 6:
        return `(() => { var v = ${inner(false)}; { let v = 1; v++; } return v })()`;
      case 7:
        return `\`t\${${inner()}}\`.length`;
      case 8:
        return `[${inner()}, ...[${inner()}]].length`;
      case 9:
        return `({ a: ${inner()}, get b() { return this.a } }).b`;
      case 10:
        return `-${this.#pick(5)}`;
      case 11:
        return `(null ?? ${inner()})`;
      default:
        return `${this.#pick(10)}`;
    }
  }

  #statement(scope: Scope, depth: number): { text: string; names?: string[]; assignable?: string[] } {
    const e = (): string => this.#expression(scope);
    const [a, b] = [this.#name(), this.#name()];
    const loop: Scope = { ...scope, inLoop: true };
    const within = (names: readonly string[], of: Scope = scope): Scope => ({ ...of, names: [...of.names, ...names] });
    switch (this.#pick(depth === 0 ? 12 : 24)) {
      case 0:
        return { text: `let ${a} = ${e()};`, names: [a], assignable: [a] };
      case 1:
        return { text: `const ${a} = ${e()}, ${b} = ${e()};`, names: [a, b] };
      case 2:
        return { text: `let { p: ${a}, q: [${b} = ${e()}] = [], ...${a}r } = { p: ${e()}, z: 1 };`, names: [a, b], assignable: [a, b] };
      case 3:
        return { text: `const [${a}, , ${b} = ${e()}] = [${e()}, 1];`, names: [a, b] };
      case 4:
        return { text: `log.push(${e()});` };
      case 5:
        return { text: `closures.push(() => ${this.#one(scope.names) ?? 0});` };
      case 6: {
        const target = this.#one(scope.assignable);
        return { text: target === undefined ? ";" : `${target} ${this.#one(["=", "+=", "??="])} ${e()};` };
      }
      case 7:
        if (scope.inLoop) return { text: `if (${e()} > 4) { ${e()}; ${this.#one(["break", "continue"])} }` };
        return { text: `${e()};` };
      case 8: {
        const label = this.#one(scope.labels);
        return { text: label === undefined ? `${e()};` : `if (${e()} > 4) break ${label};` };
      }
      case 9:
        return { text: `if (${e()} > 8) throw new Error("e" + ${e()});` };
      case 10:
      case 11:
        return { text: `${e()};` };
      case 12:
        return { text: `if (${e()} > 3) ${this.#block(scope, depth)} else ${this.#block(scope, depth)}` };
      case 13:
        return { text: `for (let ${a} = 0; ${a} < ${this.#pick(4)}; ${a}++) ${this.#block(within([a], loop), depth)}` };
      case 14:
        return { text: `for (const ${a} of [${e()}, ${e()}]) ${this.#block(within([a], loop), depth)}` };
      case 15:
        return { text: `for (const [${a}, ${b}] of Object.entries({ k: ${e()} })) ${this.#block(within([b], loop), depth)}` };
      case 16:
        return { text: `let ${a} = 0; while (${a}++ < 2) ${this.#block(within([a], loop), depth)}`, names: [a] };
      case 17:
        return { text: `var ${a} = 0; do ${this.#block(within([a], loop), depth)} while (++${a} < 2);`, names: [a], assignable: [] };
      case 18:
        return {
          text: `switch (${e()}) { case 1: ${e()}; case ${e()}: ${this.#statements({ ...scope, inLoop: false }, 1, 0).text} break; default: ${e()}; }`,
        };
      case 19:
        return {
          text: `try ${this.#block(scope, depth)} catch (${a}) { log.push(${a}.message); ${e()}; }${this.#pick(2) ? ` finally { log.push(${e()}); }` : ""}`,
        };
      case 20:
        return { text: `${a}: ${this.#block({ ...scope, labels: [...scope.labels, a], inLoop: false }, depth)}` };
      case 21:
        return { text: this.#block(scope, depth) };
      case 22:
        return {
          text: `log.push(${a}(${e()})); function ${a}(x, { y = ${this.#expression(scope, 1, false)} } = {}) { var z = x; function inner() { return z + y } return inner() }`,
        };
      default:
        return {
          text: `class ${a} { #p = ${this.#one(scope.names) ?? 1}; static s = ${this.#one(scope.names) ?? 2}; get p() { return this.#p } m() { return ${a}.s } } log.push(new ${a}().p + new ${a}().m());`,
        };
    }
  }
}
