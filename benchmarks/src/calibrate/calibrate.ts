import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collectStatistics } from "@espalier/calibrate";
import type { Suite } from "../suite.js";
import { peakMemory } from "./peak-memory.js";
import { plainInference } from "./plain-inference.js";
import { convNetwork, transformer, type Workload } from "./workloads.js";

/** An odd number, so that the median is a run that was. */
const ROUNDS = 3;
const THREADS = 2;
/** Beyond one model for each worker and one more. */
const ALLOWANCE_MB = 300;
const LARGEST_GROWTH_MB = 50;

type Row = readonly string[];
/** Measures what a folder may hold models for, and says it in rows. */
type Measurement = (folder: string) => Promise<readonly Row[]>;

/** What calibration costs: time against plain inference, workers against each other, memory against its bound. */
export const calibrate: Suite = {
  name: "calibrate",
  async run(isChosen) {
    const chosen = Object.entries(MEASUREMENTS).filter(([name]) => isChosen(`calibrate/${name}`));
    const folder = mkdtempSync(join(tmpdir(), "espalier-bench-"));
    try {
      const rows: Row[] = [];
      for (const [, measure] of chosen) rows.push(...(await measure(folder)));
      return { columns: ["case", "seconds", "samples/s", "peak MB", "ratio", "limit"], rows, note: NOTE };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

const NOTE =
  "Whole runs, loading included: of a transformer of 113 MB (4 layers, 768/3072, 128 positions), and of six 3×3 convolutions of 64 channels over " +
  `56 × 56. Ratio of time to plain inference of the same samples in as many workers; of samples per second to one worker. Median of ${ROUNDS} interleaved rounds. ` +
  "About 0.7 s of a run do not depend on the number of samples (the model's fingerprint, its instrumented copy on disk): below some hundred samples the ratio is larger. " +
  `Memory: 4 positions a sample, ${THREADS} workers, a fresh process; ratio to the bound, model × (workers + 1) + ${ALLOWANCE_MB} MB.`;

const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  transformer: (folder) => againstPlain("transformer", transformer(folder, 128, 512)),
  conv: (folder) => againstPlain("conv", convNetwork(folder, 2048)),
  workers: async (folder) => {
    const work = transformer(folder, 128, 256);
    const [one, two] = await medians([() => squares(work, 1), () => squares(work, 2)]);
    const rows = [row("workers/1", one!, work), row("workers/2", two!, work)] as const;
    return [
      [...rows[0], "1.00", ""],
      [...rows[1], (one! / two!).toFixed(2), "≥ 1.7"],
    ];
  },
  memory: async (folder) => {
    const { path } = transformer(folder, 4, 1);
    const bound = ((THREADS + 1) * (statSync(path).size + statSync(`${path}.data`).size)) / 1e6 + ALLOWANCE_MB;
    const [few, many] = [10, 10_000].map((count) => ({ count, peak: peakMemory(path, [1, 4, 768], count) }));
    const growth = many!.peak - few!.peak;
    return [
      ...[few!, many!].map(({ count, peak }) => [
        `calibrate/memory/${count}-samples`,
        "",
        "",
        peak.toFixed(0),
        (peak / bound).toFixed(2),
        "≤ 1",
      ]),
      ["calibrate/memory/growth", "", "", growth.toFixed(0), "", `≤ ${LARGEST_GROWTH_MB} MB`],
    ];
  },
};

async function againstPlain(name: string, work: Workload): Promise<readonly Row[]> {
  const plain = () => plainInference(work.path, work.samples, THREADS);
  const [before, after] = await medians([plain, () => squares(work, THREADS)]);
  return [
    [...row(`${name}/plain`, before!, work), "1.00", ""],
    [...row(`${name}/squares`, after!, work), (after! / before!).toFixed(2), "≤ 1.15"],
  ];
}

async function squares({ path, samples }: Workload, threads: number): Promise<void> {
  await collectStatistics(path, samples, { threads });
}

function row(name: string, seconds: number, { samples }: Workload): Row {
  return [`calibrate/${name}`, seconds.toFixed(2), (samples.length / seconds).toFixed(1), ""];
}

/** Median seconds of each, run in turn round after round; the first round warms up. */
async function medians(runs: readonly (() => Promise<void>)[]): Promise<number[]> {
  const seconds = runs.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, run] of runs.entries()) {
      const start = performance.now();
      await run();
      if (round > 0) seconds[index]!.push((performance.now() - start) / 1000);
    }
  }
  return seconds.map((values) => values.sort((a, b) => a - b)[values.length >> 1]!);
}
