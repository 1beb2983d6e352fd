import { type BlockLayer, blockLayers, type Choice } from "@espalier/export";
import { type Model, prunableWeights } from "@espalier/onnx";
import { breathe } from "../progress.js";
import type { ResolvedExport } from "./export-options.js";
import { type TimedForm, timeForms } from "./time-forms.js";

/** Rows that are tried where neither the model nor the caller says how many there are: a token, a line, a page. */
const UNKNOWN_ROWS = [1, 16, 128] as const;

/** Below this a gain is lost in the noise of timing. */
const LEAST_SPEEDUP = 1.05;

/**
 * Chooses the form of every block-sparse product by timing all of them on this machine, with the target's backend. Where the number
 * of rows is unknown, a form counts as fast as in its slowest case. Convolutions are not timed: the rules decide.
 *
 * @param names weights to be timed
 * @returns choices by weight, of products only
 * @throws {RunnerError} when the backend is missing
 */
export async function tuneForms(
  model: Model,
  names: ReadonlySet<string>,
  options: ResolvedExport,
): Promise<ReadonlyMap<string, Choice>> {
  const { target, values, blocks, rows, signal, onProgress } = options;
  if (target === "tensorrt") return new Map();
  const layers = blockLayers(model, {
    target,
    values: values === "int8" ? "int8" : "f32",
    ...(blocks && { blocks }),
    ...(rows !== undefined && { rows }),
  }).filter(({ weight, op }) => names.has(weight) && op === "product");
  const weights = new Map(prunableWeights(model).flatMap((one) => (one.prunable ? [[one.name, one] as const] : [])));
  const choices = new Map<string, Choice>();
  for (const layer of layers) {
    await breathe(signal);
    onProgress?.({ phase: "tune", done: choices.size, total: layers.length, item: layer.weight });
    const tried = layer.rows === undefined ? UNKNOWN_ROWS : [layer.rows];
    const runs: (readonly TimedForm[])[] = [];
    for (const one of tried) {
      const backend = target === "ort-web" ? "web" : "node";
      runs.push(await timeForms(weights.get(layer.weight)!, layer, one, { backend, threads: 1 }));
    }
    choices.set(layer.weight, fastest(layer, runs, tried));
  }
  return choices;
}

/** @param runs of each number of rows, the forms in the layer's order */
export function fastest(layer: BlockLayer, runs: readonly (readonly TimedForm[])[], rows: readonly number[]): Choice {
  const worst = layer.forms.map((form, index) => ({
    form,
    speedup: Math.min(...runs.map((run) => run[index]!.speedup)),
  }));
  const best = worst.reduce((a, b) => (b.speedup > a.speedup ? b : a));
  const figures = worst.map(({ form, speedup }) => `${form} ${speedup.toFixed(2)}`).join(", ");
  const at = `${rows.length === 1 ? `${rows[0]} rows` : `the slowest of ${rows.join(", ")} rows`}, ${layer.values}, ${layer.target}`;
  if (best.speedup < LEAST_SPEEDUP) {
    return { form: "dense", reason: `timed here, no form is faster than dense: ${figures} times as fast, ${at}` };
  }
  return { ...best, reason: `timed here: ${figures} times as fast as dense, ${at}` };
}
