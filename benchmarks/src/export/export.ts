import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Suite } from "../suite.js";
import { blockRuns } from "./block-runs.js";
import { encodedRuns } from "./encoded-runs.js";
import { fileBytes } from "./file-bytes.js";
import { loads } from "./loads.js";
import type { Measurement, Row } from "./measurement.js";
import { streaming } from "./streaming.js";

const MEASUREMENTS: readonly Measurement[] = [fileBytes, encodedRuns, loads, blockRuns, streaming];

const NOTE =
  "Against the dense model in the same run, one thread. `bytes`: a file with one matrix of 2048 × 2048. `run`: two matrices, 768 × 3072 and 3072 × 768, of " +
  "128 rows; median of the ratios of interleaved rounds, below 1 is faster. `load`: fresh processes that load from a file; time above dense per element, peak memory above the loaded runtime as multiples of " +
  "the weights in float32. `blocks`: a transformer of 4 layers (768/3072, 12 heads, 128 tokens; query, key and value in one product), all matrices pruned in blocks of 32 × 256; median of the speed-ups of interleaved rounds. `streaming`: a transformer of 2.4 GB in external data (12 layers, width 2048), half of it pruned: `exportModel` and `write`, peak resident set of the process.";

/** What exported models save and cost: bytes, time, load time and memory, on onnxruntime-node and onnxruntime-web. */
export const exportFormats: Suite = {
  name: "export",
  document: "export-formats.md",
  async run(isChosen) {
    const folder = mkdtempSync(join(tmpdir(), "espalier-export-"));
    try {
      const rows: Row[] = [];
      for (const measure of MEASUREMENTS) rows.push(...(await measure(folder, isChosen)));
      return { columns: ["case", "dense", "exported", "ratio", "asked for"], rows, note: NOTE };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
