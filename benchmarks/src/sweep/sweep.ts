import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tokenBatch, useLitePath, wordnetGlosses } from "@espalier/testkit";
import { type Sample, type SweepResult, sweep } from "espalier";
import type { Suite } from "../suite.js";

const CRITERIA = ["l1", "wanda", "obs+least-squares"];
const PATTERNS = ["unstructured", "2:4", "4:8", "block:16x4", "blocks:32x256"];
const SPARSITIES = [0.3, 0.5, 0.7, 0.8];
const CALIBRATION = 512;
const TEST = 1000;

/** Seconds that are promised on two cores. */
const LIMITS = { first: 15 * 60, repeated: 10 };

/** What a sweep over a real transformer takes, and its repeat. */
export const sweepSuite: Suite = {
  name: "sweep",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "espalier-bench-sweep-"));
    try {
      const first = await timed(folder);
      const repeated = await timed(folder);
      return {
        columns: ["case", "cells", "seconds", "at most", "seconds in cells: median", "largest"],
        rows: [rowOf("sweep/first", first, LIMITS.first), rowOf("sweep/repeated", repeated, LIMITS.repeated)],
        note: NOTE,
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

const NOTE =
  `USE-lite, ${CRITERIA.join(", ")} by ${PATTERNS.join(", ")} by sparsities ${SPARSITIES.join(", ")} (N:M has its own, which makes 42 cells), stored by auto. ` +
  `${CALIBRATION} definitions for calibration and recovery, ${TEST} others for the test, scored by a linear probe trained on the dense model. ` +
  `${availableParallelism()} workers. The limits are promised for two cores; what one cell took is in the second row as it was in the first.`;

interface Timed {
  readonly result: SweepResult;
  readonly seconds: number;
}

async function timed(folder: string): Promise<Timed> {
  const { calibration, test } = wordnetGlosses();
  const tests = test.slice(0, TEST);
  const start = performance.now();
  const result = await sweep({
    ...{ models: [useLitePath()], criteria: CRITERIA, patterns: PATTERNS, sparsities: SPARSITIES, folder },
    samples: calibration.slice(0, CALIBRATION).map(({ text }): Sample => tokenBatch([text])),
    testSamples: tests.map(({ text }): Sample => tokenBatch([text])),
    labels: tests.map(({ label }) => label),
    metric: fileURLToPath(new URL("../../../examples/sweep/name-class.ts", import.meta.url)),
    onProgress: ({ phase, done, total, item }) => {
      if (phase === "sweep") process.stderr.write(`${done}/${total} ${item}\n`);
    },
  });
  return { result, seconds: (performance.now() - start) / 1000 };
}

function rowOf(name: string, { result, seconds }: Timed, limit: number): string[] {
  const cells = result.rows.flatMap((row) => (row.status === "done" ? [row.seconds] : [])).sort((a, b) => a - b);
  const [median, largest] = [cells[cells.length >> 1]!, cells.at(-1)!];
  return [name, String(result.rows.length), ...[seconds, limit, median, largest].map((value) => value.toFixed(1))];
}
