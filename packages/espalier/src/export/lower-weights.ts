import { type LoweredModel, type LoweredWeight, lowerBlocks, TARGET_RULES } from "@espalier/export";
import type { Model } from "@espalier/onnx";
import { EspalierError } from "../errors.js";
import type { ResolvedExport } from "./export-options.js";
import { tuneForms } from "./tune-forms.js";

/** A model with lowered weights; `report` is of the chosen weights only. */
export type LoweredWeights = LoweredModel & {
  /** Those that are products of blocks now. */
  readonly lowered: ReadonlyMap<string, LoweredWeight>;
};

/**
 * Lowers the chosen weights that were pruned in blocks, where format and target are for that.
 *
 * @throws {RunnerError} where forms are timed and the backend is missing
 * @throws {EspalierError} `input` where blocks are asked for and no weight has any
 */
export async function lowerWeights(
  model: Model,
  names: ReadonlySet<string>,
  options: ResolvedExport,
): Promise<LoweredWeights> {
  const { format, target, values, blocks, rows, tune = false } = options;
  const isForBlocks = format === "auto" || format === "blocks";
  if (!isForBlocks || target === "tensorrt" || !TARGET_RULES[target].lowersBlocks) {
    return { model, report: [], lowered: new Map() };
  }
  const timed = tune ? await tuneForms(model, names, options) : new Map();
  const result = lowerBlocks(model, {
    target,
    values: values === "int8" ? "int8" : "f32",
    ...(blocks && { blocks }),
    ...(rows !== undefined && { rows }),
    choose: ({ weight }, byRule) =>
      names.has(weight) ? (timed.get(weight) ?? byRule) : { form: "dense", reason: "excluded" },
  });
  const report = result.report.filter(({ name }) => names.has(name));
  if (format === "blocks" && report.every((weight) => weight.blocks === undefined)) {
    throw new EspalierError(
      "input",
      "no weight was pruned in balanced blocks: prune with the pattern blocks:32x256, or say how they are cut (blocks)",
    );
  }
  const lowered = new Map(
    report.flatMap((weight) => (weight.form === "dense" ? [] : [[weight.name, weight] as const])),
  );
  return { model: result.model, report, lowered };
}
