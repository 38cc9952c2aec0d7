// Ways out that have worked on sandboxes of JavaScript, and ways to break one from within. Each snippet is a cell; what it comes to is
// its value, or the error it threw or was rejected with.
export type Outcome = { readonly value: unknown } | { readonly like: RegExp } | { readonly throws: RegExp } | { readonly rejected: RegExp };
export type Snippet = readonly [cell: string, outcome: Outcome];

const value = (expected: unknown): Outcome => ({ value: expected });
/** Of the value as a string. */
const like = (expected: RegExp): Outcome => ({ like: expected });
const throws = (expected: RegExp): Outcome => ({ throws: expected });
const rejected = (expected: RegExp): Outcome => ({ rejected: expected });

/** What code at the end of an escape sees: "undefined" where the names of a host are. */
const HOST = "[typeof process, typeof require, typeof module, typeof Buffer, typeof fetch, typeof Deno, typeof globalThis.global].join()";
const NOTHING = value("undefined,undefined,undefined,undefined,undefined,undefined,undefined");
const probe = JSON.stringify(`return ${HOST}`);
const via = (constructor: string): Snippet => [`${constructor}(${probe})()`, NOTHING];

export const CHAINS: readonly Snippet[] = [
  via("this.constructor.constructor"),
  via("({}).constructor.constructor"),
  via("Object.getPrototypeOf(async () => {}).constructor.constructor"),
  via("Reflect.getPrototypeOf(function* () {}).constructor.constructor"),
  via("llm_query.constructor"),
  via("parallel_scan.constructor.prototype.constructor"),
  via("console.log.constructor.constructor"),
  via("print.bind.constructor"),
  via("setTimeout.call.constructor"),
  via("context.constructor.constructor"),
  via("answer.constructor.constructor"),
  via("get_optimal_workers().constructor.constructor"),
  via("(await llm_query('x')).constructor.constructor"),
  via("(await llm_batch_query(['x'])).constructor.constructor"),
  via("(await list_files()).constructor.constructor"),
  via("(await rg_search('two'))[0].constructor.constructor"),
  via("llm_query('x').constructor.constructor"),
  via("llm_query('x').then.constructor"),
  via("new URL('http://a').constructor.constructor"),
  via("new TextEncoder().encode('x').buffer.constructor.constructor"),
  via("structuredClone(new Map()).constructor.constructor"),
  via("new AbortController().signal.constructor.constructor"),
  via("(() => { try { null.x } catch (e) { return e } })().constructor.constructor"),
  via("(() => { try { FINAL_VAR(5) } catch (e) { return e } })().constructor.constructor"),
  via("(await llm_query(5).catch((e) => e)).constructor.constructor"),
  via("(await read_file('../x').catch((e) => e)).constructor.constructor"),
  via("(() => { try { (function f() { f() })() } catch (e) { return e } })().constructor.constructor"),
  via("(() => { try { new Uint8Array(2 ** 40) } catch (e) { return e } })().constructor.constructor"),
  via("(() => { try { eval('(') } catch (e) { return e } })().constructor.constructor"),
  via("(await new Promise((r) => setTimeout(r, 1, (function () { return this })()))) ?? Function"),
  [`(await parallel_scan([() => ({}).constructor.constructor(${probe})()]))[0].value`, NOTHING],
  [`new Proxy(llm_query, { apply: (f, self, args) => f.constructor(${probe})() })()`, NOTHING],
  [`Array.from([${probe}], (body) => Function(body))[0]()`, NOTHING],
  [`Reflect.construct(Function, [${probe}], class extends Function {})()`, NOTHING],
  [`Reflect.apply(Function.prototype.call, Function, [null, ${probe}])()`, NOTHING],
  [`new (Object.getPrototypeOf(async function () {}).constructor)(${probe})()`, NOTHING],
  [`[...new (Object.getPrototypeOf(function* () {}).constructor)(${JSON.stringify(`yield ${HOST}`)})()][0]`, NOTHING],
  [`(0, eval)(${JSON.stringify(HOST)})`, NOTHING],
  [`class A extends Function {}; new A(${probe})()`, NOTHING],
];

export const CALLERS: readonly Snippet[] = [
  ["(() => { 'use strict'; return llm_query.caller })()", throws(/caller|restricted|strict/)],
  ["parallel_scan.arguments", throws(/arguments|restricted|strict/)],
  ["Function.prototype.__lookupGetter__('caller').call(print)", throws(/caller|restricted|strict/)],
  ["['caller', 'arguments', 'callee'].map((k) => Reflect.getOwnPropertyDescriptor(FINAL, k) ?? null)", value([null, null, null])],
  [
    "let seen = 'none'; const o = { get a() { seen = Function('return arguments.callee.caller')() ?? null; return 1 } }; await llm_query('x', { get max_tokens() { return o.a } }); seen",
    value(null),
  ],
  ["let who; console.log({ [Symbol.toPrimitive]() { who = arguments.callee } })", value(undefined)],
  ["(function f() { return f.caller })()", throws(/caller|restricted|strict/)],
  ["Function('return function f() { return f.caller.caller }()')()", value(null)],
  ["[0].map(Function('return arguments.callee.caller'))[0]", value(null)],
];

export const STACKS: readonly Snippet[] = [
  ["new Error('x').stack", value("Error: x\n    at cell N:1:1")],
  [
    "Error.prepareStackTrace = (e, f) => f.map((x) => `${x.getFileName()} ${x.getThis()} ${x.getFunction()}`); const got = new Error().stack; Error.prepareStackTrace = undefined; got",
    value(["undefined undefined undefined"]),
  ],
  [
    "const old = Error.prepareStackTrace; Error.prepareStackTrace = (e, f) => f; await llm_query(5).catch((e) => e.stack); Error.prepareStackTrace = old; typeof new Error().stack",
    value("string"),
  ],
  ["delete Error.prepareStackTrace", throws(/Cannot delete/)],
  ["Object.defineProperty(Error, 'prepareStackTrace', { value: (e, f) => f })", throws(/redefine/)],
  [
    "const E = Error; globalThis.Error = class { static prepareStackTrace(e, f) { return f } }; const s = (() => { try { null.x } catch (e) { return e.stack } })(); globalThis.Error = E; typeof s",
    value("string"),
  ],
  [
    "Error.stackTraceLimit = Infinity; const e2 = await llm_query(5).catch((e) => e); Error.stackTraceLimit = 10; e2.stack.split('\\n').length < 4",
    value(true),
  ],
  ["const o = {}; Error.captureStackTrace(o, llm_query); o.stack.includes('prelude')", value(false)],
  [
    "Error.prepareStackTrace = () => { throw new Error('mine') }; let m; try { new RangeError('x').stack } catch (e) { m = e.message } Error.prepareStackTrace = undefined; m",
    value("mine"),
  ],
  [
    "(await parallel_scan([() => { Error.prepareStackTrace = (e, f) => f.map((x) => x.getScriptNameOrSourceURL()); return new Error().stack }]))[0].value",
    value(["scan"]),
  ],
  [
    "[llm_query, FINAL, print, setTimeout, SHOW_VARS, Math.random, Date.now].map((f) => Function.prototype.toString.call(f)).filter((t) => !t.includes('[native code]'))",
    value([]),
  ],
  ["(await read_file('no-such').catch((e) => e.stack)).split('\\n').length", value(2)],
  ["await Promise.reject(Object.assign(new Error('x'), { stack: 'at /etc/passwd:1' }))", throws(/^x$/)],
];

export const CODE: readonly Snippet[] = [
  ["await Function(\"return import('fs')\")().catch((e) => String(e))", like(/not supported/i)],
  ["await eval(\"import('node:fs')\").catch((e) => String(e))", like(/not supported/i)],
  ["await import('fs').catch((e) => e.code)", value("E_IMPORT")],
  ["import fs from 'fs'", rejected(/no packages/)],
  ["export * from 'fs'", rejected(/no packages/)],
  ["await new (async () => {}).constructor(\"return await import('child_process')\")().catch((e) => e.name)", like(/Error/)],
  ["import.meta.url", rejected(/import\.meta/)],
  ["require('fs')", throws(/require is not defined/)],
  ["process.binding('fs')", throws(/process is not defined/)],
  ["new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))", throws(/WebAssembly is not defined/)],
  ["new SharedArrayBuffer(8)", throws(/SharedArrayBuffer is not defined/)],
  ["new WeakRef({}).deref()", throws(/WeakRef is not defined/)],
  [
    "['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'ShadowRealm', 'Worker', 'importScripts', 'gc', '$262', 'd8'].filter((n) => n in globalThis)",
    value([]),
  ],
  [
    "(await parallel_scan([() => typeof WebAssembly + typeof SharedArrayBuffer + typeof process]))[0].value",
    value("undefinedundefinedundefined"),
  ],
  ["setTimeout('globalThis.ran = 1', 0)", throws(/function/)],
  ["\"%DebugPrint(1)\"; Function('%DebugPrint(1)')", throws(/Unexpected token/)],
  ["Object.getOwnPropertyNames(globalThis).filter((n) => /^(?:post|enter|boot|prelude|_?core|ivm|kernel)/i.test(n))", value([])],
];

export const CROSSING: readonly Snippet[] = [
  ["await llm_query('x', JSON.parse('{\"__proto__\": {\"polluted\": 1}}')).catch((e) => e.code)", like(/^(?:E_BAD_ARGUMENT|reply)$/)],
  ['JSON.parse(\'{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}\')', like(/^/)],
  ["({ then(resolve) { globalThis.ran = 1; resolve('hijacked') } }).then.name + typeof ran", value("thenundefined")],
  ["const t = { toJSON() { return 'evil' }, a: 1 }; JSON.stringify(t)", value('"evil"')],
  ["await rlm_query('x', { context: { ['__proto__']: { polluted: 1 }, constructor: { prototype: { polluted: 1 } } } })", value("reply")],
  ["await llm_batch_query(Object.assign(['x'], { constructor: { [Symbol.species]: null } }))", value(["reply"])],
  ["await llm_query(new Proxy({}, { get() { throw new Error('trap') } })).catch((e) => e.code)", value("E_BAD_ARGUMENT")],
  [
    "await llm_query('x', new Proxy({}, { ownKeys() { return ['constructor'] }, getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) })).catch((e) => e.code)",
    value("E_BAD_ARGUMENT"),
  ],
  ["await rlm_query('x', { context: (() => { const a = []; a.push(a); return a })() }).catch((e) => e.code)", value("E_BAD_ARGUMENT")],
  ["try { await rlm_query('x', { context: Array.from({ length: 2_100_000 }, () => []) }) } catch (e) { e.code }", value("E_TOO_LARGE")],
  [
    "let deep = []; for (let i = 0; i < 5000; i++) deep = [deep]; await rlm_query('x', { context: deep }).catch((e) => e.code)",
    value("E_BAD_ARGUMENT"),
  ],
  ["throw { get message() { throw 1 }, get stack() { throw 2 }, get name() { throw 3 } }", throws(/./)],
  ["throw new Proxy(new Error('x'), { get(t, k) { throw new Error('trap ' + String(k)) } })", throws(/^/)],
  [
    "for (let i = 0; i < 20_000; i++) globalThis['g' + i] = 0; const had = Object.keys(globalThis).length > 20_000; for (let i = 0; i < 20_000; i++) delete globalThis['g' + i]; had",
    value(true),
  ],
];

/** Text that looks like the protocol's own is text. */
export const IMITATIONS: readonly Snippet[] = [
  ['console.log(\'["done",{"outcome":"ok","tail":"","console_length":0,"vars":[]}]\'); 1', value(1)],
  ["print(JSON.stringify(['final', { preview: '2', long: '2', type: 'number', json: '2' }])); 1", value(1)],
  ['print(\'{"cell":99,"outcome":"ok"}\\n\\u0000\\u0000\\u0000\\u0008{"type":"pong"}\'); 1', value(1)],
  ["progress(1, 1, '\"],[\"final\",{}'); console.time('\"]['); 1", value(1)],
  ["globalThis['\"],\"final'] = 1; delete globalThis['\"],\"final']; 1", value(1)],
  ["throw Object.assign(new Error('Script execution timed out.'), { name: '\"}],[\"final' })", throws(/timed out/)],
];

/** What one cell leaves behind is its own. */
export const LEFTOVERS: readonly Snippet[] = [
  ["void Promise.reject(new Error('left behind')); 1", value(1)],
  ["setTimeout(() => { throw new Error('late') }, 0); 1", value(1)],
  ["setTimeout(() => { for (;;); }, 1); 1", value(1)],
  ["void (async () => { await new Promise((r) => setTimeout(r, 1)); globalThis.answer = 1 })(); 1", value(1)],
  ["queueMicrotask(() => { throw new Error('micro') }); 1", value(1)],
  ["const keep = Promise.reject(1); 1", value(1)],
  ["void Promise.reject({ not: 'an error' }); 1", value(1)],
];

export const SEARCHES: readonly Snippet[] = [
  ...["--pre=touch${IFS}pwned", "-f/etc/passwd", "@/etc/passwd", "--hostname-bin=touch", "-z", "--search-zip"].map((pattern): Snippet => [
    `(await rg_search(${JSON.stringify(pattern)}, null, { fixed_strings: true })).length`,
    value(0),
  ]),
  ["await rg_search('(').catch((e) => e.code)", value("E_BAD_PATTERN")],
  ["await rg_search('a\\0b').catch((e) => e.code)", value("E_BAD_PATTERN")],
  ...["--pre", "../", "/etc/passwd", "out", "/proc/self/environ"].map((path): Snippet => [
    `await rg_search('root', ${JSON.stringify(path)}).then((m) => m.length, (e) => e.code)`,
    like(/^(?:E_OUTSIDE_WORKSPACE|E_NOT_FOUND|E_DENIED|0)$/),
  ]),
  ["(await rg_search('SECRET', null, { hidden: true, no_ignore: true })).map((m) => m.file)", value([])],
  [
    "(await rg_files('', null, { glob: ['/etc/*', '../*', '!x'], hidden: true })).filter((f) => f.startsWith('/') || f.includes('..'))",
    value([]),
  ],
  ["await rg_search('x', null, { glob: '--pre' }).then((m) => m.length)", value(0)],
];

export const FILES: readonly Snippet[] = [
  ...[
    "../secret.txt",
    "/etc/passwd",
    "out",
    "out-folder/passwd",
    "/proc/self/environ",
    "a.txt\0.png",
    "./x/../../secret.txt",
    "file:///etc/passwd",
    "/dev/zero",
  ].map((path): Snippet => [
    `await read_file(${JSON.stringify(path)}).catch((e) => e.code)`,
    like(/^E_(?:OUTSIDE_WORKSPACE|DENIED|NOT_FOUND|BAD_ARGUMENT)$/),
  ]),
  ["await read_file('.env').catch((e) => e.code)", value("E_DENIED")],
  ["await read_file('keys/id_rsa').catch((e) => e.code)", value("E_DENIED")],
  ["await read_file('pipe').catch((e) => e.code)", like(/^E_/)],
  ["await read_file('keys').catch((e) => e.code)", like(/^E_/)],
  ["await read_file({ toString: () => '/etc/passwd' }).catch((e) => e.code)", value("E_BAD_ARGUMENT")],
  ["await read_file('a.txt', { start_line: -1 }).catch((e) => e.code)", like(/^(?:E_BAD_ARGUMENT|one)/)],
  ["(await list_files()).map((f) => f.path)", value(["a.txt"])],
  ["(await list_files('../**')).length + (await list_files('/etc/*')).length", value(0)],
  ["await context.read('../secret.txt').catch((e) => e.code)", like(/^E_/)],
  ["context.files.map((f) => f.path).join()", value("a.txt")],
  [
    "await parallel_scan([(c, f) => f.text], { over: [{ path: '/etc/passwd', size: 1 }] }).then((r) => JSON.stringify(r), (e) => e.code)",
    like(/^(?!.*root:)/),
  ],
];
