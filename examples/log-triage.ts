// %% Look before asking: how large is it, what do lines look like?
const lines = context.trimEnd().split("\n");
print(`${lines.length} lines`, lines.slice(0, 2));

// %% Search many patterns at once
const matches = await parallel_rg_search(["ERROR", "took \\d{4,} ms"]);
const [errors, slow] = [0, 1].map((pattern) => matches.filter((match) => match.pattern === pattern));
print(`${errors.length} errors, ${slow.length} slow requests`);

// %% Few fat prompts: a sub-model reads ten lines at once
const prompts: string[] = [];
for (let at = 0; at < errors.length; at += 10) {
  const block = errors.slice(at, at + 10).map(({ line, text }) => `context:${line}: ${text}`);
  prompts.push(`Which of these lines tell of the database?\n\n${block.join("\n")}`);
}
const replies = await llm_batch_query(prompts);

// %% Code counts, models classify
const database = replies.flatMap((reply) => reply?.match(/^\S*context:\d+/gm) ?? []);
FINAL({ errors: errors.length, slow: slow.length, database });
