import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRunner, type Sample } from "@espalier/runtime";
import { tokenBatch, useLitePath, wordnetGlosses } from "@espalier/testkit";
import { l1, nm, prune, verify } from "espalier";
import type { Suite } from "../suite.js";

const SAMPLES = 3000;
const ROUNDS = 3;
const LIMIT = 2.5;

/** What judging a model takes beside running both models on the same samples. */
export const verifySuite: Suite = {
  name: "verify",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "espalier-bench-verify-"));
    try {
      const original = useLitePath();
      const pruned = join(folder, "pruned.onnx");
      await (await prune(original, { criterion: l1(), pattern: nm(2, 4) })).write(pruned);
      const samples = wordnetGlosses()
        .test.slice(0, SAMPLES)
        .map(({ text }) => tokenBatch([text]));
      const runs: number[] = [];
      const verdicts: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        runs.push(await seconds(() => runBoth([original, pruned], samples)));
        verdicts.push(await seconds(() => verify({ original, pruned, samples, pattern: nm(2, 4), latencyRuns: 15 })));
      }
      const [plain, judged] = [median(runs), median(verdicts)];
      return {
        columns: ["case", "seconds", "ratio", "at most"],
        rows: [
          ["verify/run-both", plain.toFixed(2), "1.00", ""],
          ["verify/verify", judged.toFixed(2), (judged / plain).toFixed(2), String(LIMIT)],
        ],
        note: NOTE,
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

const NOTE =
  `USE-lite and the same pruned to 2:4, ${SAMPLES} definitions, one run each. run-both: both models opened with onnxruntime-node, one thread, and run on ` +
  `every sample, one model after the other. verify: every check that is on by default, with the pattern and 15 timed turns. Median of ${ROUNDS} rounds in turns.`;

async function runBoth(models: readonly string[], samples: readonly Sample[]): Promise<void> {
  for (const model of models) {
    const runner = await openRunner(model, { threads: 1 });
    for (const sample of samples) await runner.run(sample);
    await runner.close();
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
