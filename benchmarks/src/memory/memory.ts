import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeLargeTransformer } from "../large-transformer.js";
import { peakOfProgram } from "../peak-of-program.js";
import type { Suite } from "../suite.js";

const LIMIT_MB = 500;

const PATTERNS: Record<string, string> = {
  "l1-2:4": "nm(2, 4)",
  "l1-unstructured-layer": "unstructured(0.5)",
  "l1-unstructured-row": 'unstructured(0.5, { group: "row" })',
  "l1-unstructured-model": 'unstructured(0.5, { group: "model" })',
};

/** What a pruning process needs at its peak, each time in a fresh process. */
export const memory: Suite = {
  name: "memory",
  async run(isChosen) {
    const folder = mkdtempSync(join(tmpdir(), "espalier-memory-"));
    try {
      const model = writeLargeTransformer(folder);
      const chosen = Object.entries(PATTERNS).filter(([name]) => isChosen(`memory/${name}`));
      return {
        columns: ["case", "peak MB", "at most", "seconds"],
        rows: chosen.map(([name, pattern]) => rowOf(`memory/${name}`, pattern, model, join(folder, "pruned.onnx"))),
        note: "`prune` and `write` of a transformer of 2.4 GB in external data (12 layers, width 2048), peak resident set of the process.",
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

function rowOf(name: string, pattern: string, model: string, output: string): string[] {
  const { megabytes, seconds } = peakOfProgram(
    'import { l1, nm, prune, unstructured } from "espalier";',
    `const pruned = await prune(${JSON.stringify(model)}, { criterion: l1(), pattern: ${pattern} });
     await pruned.write(${JSON.stringify(output)});`,
  );
  return [name, megabytes.toFixed(0), LIMIT_MB.toString(), seconds.toFixed(1)];
}
