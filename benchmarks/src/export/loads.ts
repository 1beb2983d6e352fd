import { existsSync } from "node:fs";
import { join } from "node:path";
import type { WeightChoice } from "@espalier/export";
import { type Loading, measureLoading } from "@espalier/runtime";
import { nm, type Pattern, unstructured } from "espalier";
import { InferenceSession } from "onnxruntime-node";
import type { Measurement, Row } from "./measurement.js";
import { encoded, type MatrixSize, matrices, pruned, written } from "./models.js";

/** An odd number, so that the median is a process that was. */
const PROCESSES = 3;
const LARGEST_COST = 30;
const LARGEST_MEMORY = 4;

/** A model to be loaded in each encoding. */
interface LoadedModel {
  readonly name: string;
  readonly sizes: readonly MatrixSize[];
  /** Whether a cost in Node is asked for. */
  readonly asked: boolean;
}

const MODELS: readonly LoadedModel[] = [
  { name: "4096x4096", sizes: [[4096, 4096]], asked: true },
  {
    name: "12-matrices",
    sizes: Array.from({ length: 12 }, (_, index): MatrixSize => (index % 2 === 0 ? [768, 3072] : [3072, 768])),
    asked: false,
  },
];

interface Format {
  readonly name: string;
  readonly pattern: Pattern;
  readonly choice: WeightChoice;
  /** Whether onnxruntime-node has folded it once and saved what came out, as an installer can. */
  readonly saved?: boolean;
}

const FORMATS: readonly Format[] = [
  { name: "bitmask", pattern: unstructured(0.8), choice: { encoding: "bitmask" } },
  { name: "gap", pattern: unstructured(0.8), choice: { encoding: "gap" } },
  { name: "bitmask-saved", pattern: unstructured(0.8), choice: { encoding: "bitmask" }, saved: true },
  { name: "nm", pattern: nm(2, 4), choice: { encoding: "nm" } },
  { name: "nm-int8", pattern: nm(2, 4), choice: { encoding: "nm", values: "int8" } },
  { name: "coo", pattern: unstructured(0.8), choice: { encoding: "coo" } },
];

/** Time and memory that expanding weights takes when a model is loaded. */
export const loads: Measurement = async (folder, isChosen) => {
  const rows: Row[] = [];
  for (const model of MODELS) {
    const dense = matrices(model.sizes);
    for (const backend of ["node", "web"] as const) {
      const formats = FORMATS.filter(({ saved = false }) => backend === "node" || !saved);
      const named = formats.map((format) => ({ format, name: `export/load/${backend}/${model.name}/${format.name}` }));
      const chosen = named.filter(({ name }) => isChosen(name));
      if (chosen.length === 0) continue;
      const paths = [written(folder, "dense", dense)];
      for (const { format } of chosen) paths.push(await formatPath(folder, dense, model, format));
      const [baseline, ...found] = await measureLoading(paths, { backend, processes: PROCESSES });
      rows.push(...chosen.flatMap(({ name }, index) => rowsOf(name, model, baseline!, found[index]!)));
    }
  }
  return rows;
};

/** Where the model in a format is; written when it is asked for first. */
async function formatPath(folder: string, dense: Uint8Array, model: LoadedModel, format: Format): Promise<string> {
  const path = join(folder, `${model.name}-${format.name}.onnx`);
  if (existsSync(path)) return path;
  const exported = encoded(await pruned(dense, format.pattern), format.choice);
  if (format.saved) return saved(written(folder, `${model.name}-${format.name}-exported`, exported), path);
  return written(folder, `${model.name}-${format.name}`, exported);
}

/** Writes what ONNX Runtime makes of a model at the level that is good for any machine. */
async function saved(source: string, path: string): Promise<string> {
  const session = await InferenceSession.create(source, {
    graphOptimizationLevel: "basic",
    optimizedModelFilePath: path,
    logSeverityLevel: 3,
  });
  await session.release();
  return path;
}

function rowsOf(name: string, { sizes, asked }: LoadedModel, dense: Loading, found: Loading): readonly Row[] {
  const elements = sizes.reduce((sum, [inputs, outputs]) => sum + inputs * outputs, 0);
  const cost = (1e6 * (found.milliseconds.median - dense.milliseconds.median)) / elements;
  const limit = asked && name.includes("/node/") ? `≤ ${LARGEST_COST} ns` : "";
  const time = [milliseconds(dense), milliseconds(found), `${cost.toFixed(1)} ns`, limit];
  const memory = [megabytes(dense), megabytes(found), multiple(found, elements), `≤ ${LARGEST_MEMORY}`];
  return [
    [`${name}/time`, ...time],
    [`${name}/memory`, ...memory],
  ];
}

function multiple({ peakBytes }: Loading, elements: number): string {
  return peakBytes === undefined ? "" : (peakBytes.median / (4 * elements)).toFixed(1);
}

function milliseconds(loading: Loading): string {
  return `${loading.milliseconds.median.toFixed(0)} ms`;
}

function megabytes({ peakBytes }: Loading): string {
  return peakBytes === undefined ? "not known" : `${(peakBytes.median / 1e6).toFixed(0)} MB`;
}
