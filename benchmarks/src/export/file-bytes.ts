import { gzipSync } from "node:zlib";
import type { WeightChoice } from "@espalier/export";
import { encodeModel } from "@espalier/onnx";
import { nm, type Pattern, unstructured } from "espalier";
import type { Measurement, Row } from "./measurement.js";
import { encoded, matrices, pruned } from "./models.js";

/** A file to be weighed. */
interface Case {
  readonly name: string;
  readonly pattern: Pattern;
  readonly choice: WeightChoice;
  /** Largest ratio to the dense file. */
  readonly limit: number;
}

const CASES: readonly Case[] = [
  { name: "export/bytes/50%-bitmask", pattern: unstructured(0.5), choice: { encoding: "bitmask" }, limit: 0.54 },
  { name: "export/bytes/80%-bitmask", pattern: unstructured(0.8), choice: { encoding: "bitmask" }, limit: 0.24 },
  { name: "export/bytes/2:4", pattern: nm(2, 4), choice: { encoding: "nm" }, limit: 0.54 },
  { name: "export/bytes/2:4-int8", pattern: nm(2, 4), choice: { encoding: "nm", values: "int8" }, limit: 0.16 },
];

/** Bytes of files, and of files that were compressed for a transport. */
export const fileBytes: Measurement = async (_, isChosen) => {
  const rows: Row[] = [];
  const chosen = CASES.filter(({ name }) => isChosen(name));
  if (chosen.length === 0) return rows;
  const dense = matrices([[2048, 2048]]);
  for (const { name, pattern, choice, limit } of chosen) {
    const model = await pruned(dense, pattern);
    const file = encodeModel(encoded(model, choice));
    rows.push(row(name, dense, file, `≤ ${limit}`));
    rows.push(row(`${name}/gzip`, gzipSync(encodeModel(model)), gzipSync(file), ""));
  }
  return rows;
};

/** Compressed, the dense file is the pruned one: zeros compress well. */
function row(name: string, dense: Uint8Array, file: Uint8Array, limit: string): Row {
  return [name, megabytes(dense), megabytes(file), (file.length / dense.length).toFixed(3), limit];
}

function megabytes({ length }: Uint8Array): string {
  return `${(length / 1e6).toFixed(2)} MB`;
}
