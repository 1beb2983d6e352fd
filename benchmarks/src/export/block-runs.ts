import type { LoweredValues } from "@espalier/export";
import { spreadOf } from "@espalier/runtime";
import type { Measurement, Row } from "./measurement.js";
import { loweredTransformer, TOKENS, transformer, written } from "./models.js";
import { timeRuns, waves } from "./time-runs.js";

const ROUNDS = 11;

interface Case {
  readonly backend: "node" | "web";
  readonly sparsity: number;
  readonly values: LoweredValues;
  /** Smallest speed-up over dense float32 that is asked for, if one is. */
  readonly limit?: number;
}

const CASES: readonly Case[] = [
  { backend: "node", sparsity: 0.5, values: "f32", limit: 1.5 },
  { backend: "node", sparsity: 0.5, values: "int8", limit: 3.5 },
  { backend: "node", sparsity: 0.75, values: "f32", limit: 2.4 },
  { backend: "node", sparsity: 0.75, values: "int8" },
  { backend: "web", sparsity: 0.5, values: "f32", limit: 1.6 },
  { backend: "web", sparsity: 0.5, values: "int8", limit: 3.5 },
  { backend: "web", sparsity: 0.75, values: "f32", limit: 2.7 },
  { backend: "web", sparsity: 0.75, values: "int8" },
];

const nameOf = ({ backend, sparsity, values }: Case) => `export/blocks/${backend}/${100 * sparsity}%-${values}`;

/** Speed of a transformer that is computed from the blocks that are left. */
export const blockRuns: Measurement = async (folder, isChosen) => {
  const rows: Row[] = [];
  for (const backend of ["node", "web"] as const) {
    const chosen = CASES.filter((one) => one.backend === backend && isChosen(nameOf(one)));
    if (chosen.length === 0) continue;
    const paths = [written(folder, "dense", transformer())];
    for (const { sparsity, values } of chosen) {
      const model = await loweredTransformer(sparsity, `ort-${backend}`, values);
      paths.push(written(folder, `${100 * sparsity}-${values}`, model));
    }
    const feeds = waves("x", [1, TOKENS, 768]);
    const times = timeRuns({ backend, optimization: "all", rounds: ROUNDS, feeds, paths });
    for (const [index, one] of chosen.entries()) rows.push(row(one, times[0]!, times[index + 1]!));
  }
  return rows;
};

function row(one: Case, dense: readonly number[], lowered: readonly number[]): Row {
  const speedup = spreadOf(dense.map((time, round) => time / lowered[round]!)).median;
  const asked = one.limit === undefined ? "" : `≥ ${one.limit} ×`;
  return [nameOf(one), milliseconds(dense), milliseconds(lowered), `${speedup.toFixed(2)} ×`, asked];
}

function milliseconds(times: readonly number[]): string {
  return `${spreadOf(times).median.toFixed(1)} ms`;
}
