// Functions for cells: rlm-repl … --tools examples/tools.ts. Each is checked against its schema and runs in the host.
import { appendFileSync } from "node:fs";

const people: Readonly<Record<string, string>> = { db: "Ada", web: "Grace" };

export default {
  on_call: {
    description: "Who is on call for a part of the system.",
    input: { type: "object", properties: { part: { enum: ["db", "web"] } }, required: ["part"], additionalProperties: false },
    run: ({ part }: { part: string }): string | undefined => people[part],
    children: true,
  },
  open_ticket: {
    description: "Opens a ticket, and returns its number.",
    input: { type: "object", properties: { title: { type: "string" } }, required: ["title"] },
    run: ({ title }: { title: string }): number => {
      appendFileSync("tickets.txt", `${title}\n`);
      return 1;
    },
    sideEffects: true,
  },
};
