import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSyntheticTransformer } from "@espalier/testkit";
import type { Suite } from "../suite.js";

/** 2.4 GB in external data, the largest tensor 64 MiB. */
const SHAPE = { layers: 12, width: 2048, ffn: 8192, heads: 16, seq: 16 };
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
      const model = writeSyntheticTransformer(folder, SHAPE);
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
  const program = programOf(pattern, model, output);
  // Resolves packages as this folder does, and runs them without a loader that needs memory of its own.
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const text = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd, encoding: "utf8" });
  const { kilobytes, seconds } = JSON.parse(text) as { kilobytes: number; seconds: number };
  return [name, Math.round((kilobytes * 1024) / 1e6).toString(), LIMIT_MB.toString(), seconds.toFixed(1)];
}

/**
 * On Linux `resourceUsage` starts a new process at what its parent had, so the high-water mark of the process itself is read
 * where there is one.
 */
function programOf(pattern: string, model: string, output: string): string {
  return `
    import { readFileSync } from "node:fs";
    import { l1, nm, prune, unstructured } from "espalier";
    const start = performance.now();
    const pruned = await prune(${JSON.stringify(model)}, { criterion: l1(), pattern: ${pattern} });
    await pruned.write(${JSON.stringify(output)});
    const seconds = (performance.now() - start) / 1000;
    const mark = process.platform === "linux" && /VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
    const kilobytes = mark ? Number(mark[1]) : process.resourceUsage().maxRSS;
    process.stdout.write(JSON.stringify({ kilobytes, seconds }));
  `;
}
