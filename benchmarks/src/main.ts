import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { replaceBetweenMarkers } from "./docs.js";
import { describeEnvironment } from "./environment.js";
import { formatTable } from "./format-table.js";
import { suites } from "./suites.js";

const DOCUMENTS = new URL("../../docs/", import.meta.url);

/** `npm run bench [-- NAME… [--update]]`: measures the suites and cases whose slash names start with a NAME, or all. */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { update: { type: "boolean" } } });
const isChosen = (name: string): boolean =>
  positionals.length === 0 || positionals.some((prefix) => name === prefix || name.startsWith(`${prefix}/`));
const chosen = suites.filter(
  ({ name }) => isChosen(name) || positionals.some((prefix) => prefix.startsWith(`${name}/`)),
);

if (chosen.length === 0) {
  const names = suites.map(({ name }) => name).join(", ");
  process.stderr.write(`No suite is called ${positionals.join(" or ")}; there are ${names}.\n`);
  process.exitCode = 2;
}

for (const suite of chosen) {
  const table = await suite.run(isChosen);
  const command = `npm run bench${positionals.length > 0 ? ` -- ${positionals.join(" ")}` : ""}`;
  const content = `${formatTable(table)}\n\n${table.note} ${describeEnvironment(command)}`;
  process.stdout.write(`${content}\n\n`);
  if (values.update && isChosen(suite.name)) {
    const path = fileURLToPath(new URL(suite.document ?? "benchmarks.md", DOCUMENTS));
    replaceBetweenMarkers(path, suite.name, content);
  }
}
