import { spreadOf } from "@espalier/runtime";
import { nm, type Pattern, unstructured } from "espalier";
import type { Measurement, Row } from "./measurement.js";
import { encoded, matrices, pruned, written } from "./models.js";
import { timeRuns, waves } from "./time-runs.js";

const ROUNDS = 31;
const ROWS = 128;
const ENCODINGS: readonly (readonly [name: string, pattern: Pattern])[] = [
  ["bitmask", unstructured(0.5)],
  ["gap", unstructured(0.9)],
  ["nm", nm(2, 4)],
  ["coo", unstructured(0.9)],
];
const RUNS = (["node", "web"] as const).flatMap((backend) =>
  (["basic", "all"] as const).map((optimization) => ({ backend, optimization })),
);

/** Run time of every encoding of float32 values: the runtime expands them at load, so it should be that of dense. */
export const encodedRuns: Measurement = async (folder, isChosen) => {
  const rows: Row[] = [];
  const dense = matrices([
    [768, 3072],
    [3072, 768],
  ]);
  for (const { backend, optimization } of RUNS) {
    const names = ENCODINGS.map(([encoding]) => `export/run/${backend}/${optimization}/${encoding}`);
    const chosen = ENCODINGS.filter((_, index) => isChosen(names[index]!));
    if (chosen.length === 0) continue;
    const paths = [written(folder, "dense", dense)];
    for (const [encoding, pattern] of chosen) {
      paths.push(written(folder, encoding, encoded(await pruned(dense, pattern), { encoding })));
    }
    const times = timeRuns({ backend, optimization, rounds: ROUNDS, feeds: waves("x", [ROWS, 768]), paths });
    for (const [index, [encoding]] of chosen.entries()) {
      rows.push(row(`export/run/${backend}/${optimization}/${encoding}`, times[0]!, times[index + 1]!));
    }
  }
  return rows;
};

function row(name: string, dense: readonly number[], exported: readonly number[]): Row {
  const ratio = spreadOf(exported.map((time, round) => time / dense[round]!)).median;
  return [name, milliseconds(dense), milliseconds(exported), ratio.toFixed(2), "≤ 1.05"];
}

function milliseconds(times: readonly number[]): string {
  return `${spreadOf(times).median.toFixed(1)} ms`;
}
