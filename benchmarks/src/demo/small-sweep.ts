import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tokenBatch, wordnetGlosses } from "@espalier/testkit";
import { sweep } from "espalier";
import { CACHE } from "./cache.js";
import { RECOVERY_SAMPLES } from "./calibration.js";

/** Enough for an interval of some six points; the table above has all. */
const TESTS = wordnetGlosses().test.slice(0, 256);

/** Compares patterns in a small sweep and says where its report is. */
export async function smallSweep(model: string, say: (text: string) => void): Promise<string> {
  const folder = join(CACHE, "sweep");
  await sweep({
    models: [model],
    criteria: ["l1", "wanda"],
    patterns: ["unstructured", "2:4"],
    sparsities: [0.3, 0.5, 0.7],
    samples: RECOVERY_SAMPLES,
    testSamples: TESTS.map(({ text }) => tokenBatch([text])),
    labels: TESTS.map(({ label }) => label),
    metric: fileURLToPath(new URL("./name-class.ts", import.meta.url)),
    folder,
    onProgress: ({ phase, done, total, item }) => {
      if (phase === "sweep") say(`${done}/${total} ${item}`);
    },
  });
  return join(folder, "report.html");
}
