import { useLitePath, wordnetGlosses, tokenBatch, ocrModelPath } from "@espalier/testkit";
import { collectStatistics, collectInThisThread } from "@espalier/calibrate";
import { readFileSync } from "node:fs";
const texts = wordnetGlosses().calibration.slice(0, 256).map((g) => g.text);
const samples = texts.map((t) => tokenBatch([t]) as never);
for (const threads of [1, 2]) for (const mask of [undefined, "attention_mask"]) {
  const t = performance.now();
  const got = await collectStatistics(useLitePath(), samples, { threads, ...(mask ? { mask } : {}), output: "/tmp/cal/u.stats" });
  console.log(threads, mask, performance.now() - t, got.shards, [...got.statistics].map(([n, s]) => `${n} ${s.count} ${s.sumOfSquares[0]}`).slice(0, 2), got.skipped);
}
const t = performance.now();
const one = await collectInThisThread(readFileSync(useLitePath()), samples);
console.log(performance.now() - t, [...one.statistics].map(([n, s]) => `${n} ${s.count} ${s.sumOfSquares[0]}`).slice(0, 2));
