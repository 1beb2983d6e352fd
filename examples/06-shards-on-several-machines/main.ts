import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tokenize, useLitePath, wordnetGlosses } from "@espalier/testkit";

const folder = mkdtempSync(join(tmpdir(), "espalier-"));
const samples = join(folder, "samples.jsonl");
const lines = wordnetGlosses()
  .calibration.slice(0, 192)
  .map(({ text }) => {
    const ids = tokenize(text);
    return JSON.stringify({ input_ids: ids, attention_mask: ids.map(() => 1) });
  });
writeFileSync(samples, lines.join("\n"));

const bin = join(import.meta.dirname, "node_modules/.bin/espalier");
const espalier = (...args: string[]) => execFileSync(bin, args, { stdio: ["ignore", "ignore", "inherit"] });
const stats = (name: string) => join(folder, `${name}.stats`);

// On three machines, each with the same model and samples; here one after the other.
for (const machine of [0, 1, 2]) {
  espalier("calibrate", useLitePath(), "--samples", samples, "-o", stats(`part-${machine}`), "--shard", `${machine}/3`);
}
// On any of them, in any order.
espalier("merge", stats("part-2"), stats("part-0"), stats("part-1"), "-o", stats("merged"));

espalier("calibrate", useLitePath(), "--samples", samples, "-o", stats("alone"));
const same = readFileSync(stats("merged")).equals(readFileSync(stats("alone")));
console.log(`three machines and one machine give ${same ? "the same bytes" : "different bytes"}`);
if (!same) process.exitCode = 1;
