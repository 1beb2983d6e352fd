import {
  encodeWeights,
  isExportError,
  LEAST_ZEROS,
  type LoweredWeight,
  type RemovedChannels,
  removeZeroChannels,
} from "@espalier/export";
import {
  encodeModel,
  externalDataFiles,
  type Model,
  modelSize,
  type PrunableWeight,
  prunableWeights,
  tensorByteLength,
} from "@espalier/onnx";
import { EspalierError } from "../errors.js";
import { openModel } from "../open-model.js";
import { selectWeights } from "../select-weights.js";
import { type WrittenModel, writeTo } from "../write.js";
import { checkExport } from "./check-export.js";
import { type ExportOptions, type ResolvedExport, resolveExport } from "./export-options.js";
import { type ExportedWeight, type ExportReport, notesOf } from "./export-report.js";
import { exportedData, exportedSize, settled } from "./exported-files.js";
import { lowerWeights } from "./lower-weights.js";
import { withMeasurements } from "./measure-export.js";
import { type PlannedWeight, planWeights, zeroShare } from "./plan-weights.js";

/** A model made for a target, checked and not written yet. */
export interface ExportedModel {
  readonly model: Model;
  readonly report: ExportReport;
  /**
   * Writes the model: a temporary file in the same folder, synced, then renamed. Where the given model had external data, the
   * exported one has, beside it: `NAME.onnx.data`.
   *
   * @throws {EspalierError} `output` when the folder does not exist or cannot be written
   * @throws {OnnxError} `write-failed`, a full disk for one
   */
  write(path: string): Promise<WrittenModel>;
  /** The bytes of the `.onnx` file. Up to 512 MiB external data are in it; of larger models they are where they were. */
  toBytes(): Uint8Array;
}

/**
 * Makes a pruned model smaller, or faster, on a runtime as people have it: weights as non-zeros with an index that standard
 * ONNX nodes expand while the model is loaded, or as smaller products of their blocks. The result is run and compared with the
 * given model before it is handed out.
 *
 * @param model path of an `.onnx` file, its bytes, or a model that was read before: pruned, by whatever tool
 * @throws {EspalierError} `usage` for options; `input` for a model without zeros (unless forced), a weight that the format
 *   cannot hold, or a result that is further off than its format allows
 * @throws {OnnxError} when the file is no usable ONNX model
 * @throws {RunnerError} when the runtime refuses the exported model
 */
export async function exportModel(
  model: string | Uint8Array | Model,
  options: ExportOptions = {},
): Promise<ExportedModel> {
  const resolved = resolveExport(options);
  const given = openModel(model);
  const weights = selectWeights(prunableWeights(given), resolved);
  if (!resolved.force) requireZeros(given, weights);
  try {
    const { computed, exported, report } = await exportWeights(given, weights, resolved);
    // With external data not the one in memory: it does not know which files must not be written over.
    const written = externalDataFiles(given).size > 0 ? computed : exported;
    const source = typeof model === "string" ? model : given;
    const models = { source, given, exported, weights };
    return {
      model: exported,
      report: resolved.measure ? await withMeasurements(report, models, resolved) : report,
      write: (path) => writeTo(written, path, { ...resolved, ...exportedData(given, written, path) }),
      toBytes: () => encodeModel(exported),
    };
  } catch (error) {
    if (!isExportError(error)) throw error;
    throw new EspalierError(error.code === "invalid-run" ? "usage" : "input", error.message, { cause: error });
  }
}

/** @throws {EspalierError} `input` */
function requireZeros(model: Model, weights: readonly PrunableWeight[]): void {
  let largest = 0;
  for (const weight of weights) {
    largest = Math.max(largest, zeroShare(model, weight));
    if (largest >= LEAST_ZEROS) return;
  }
  const most = `the sparsest of ${weights.length} weights has ${(100 * largest).toFixed(1)} % zeros`;
  throw new EspalierError("input", `there is nothing to gain: ${most}. Prune the model first, or go on with --force`);
}

async function exportWeights(given: Model, weights: readonly PrunableWeight[], options: ResolvedExport) {
  const names = new Set(weights.map(({ name }) => name));
  const removal = options.removeZeroChannels ? removeZeroChannels(given) : { model: given, report: undefined };
  const lowering = await lowerWeights(removal.model, names, options);
  const prepared = lowering.model;
  const left = prunableWeights(prepared).filter((one): one is PrunableWeight => {
    return one.prunable && names.has(one.name) && !lowering.lowered.has(one.name);
  });
  const { exported: computed, planned } = await encoded(prepared, left, options);
  const exported = settled(given, computed);
  const chosen = new Set(planned.flatMap(({ name, choice }) => (choice === undefined ? [] : [name])));
  const check = await checkExport(
    {
      given,
      prepared,
      exported,
      encoded: left.filter(({ name }) => chosen.has(name)),
      reordered: prepared !== given,
    },
    options,
  );
  const rows = weightRows(weights, planned, lowering.report);
  const report: ExportReport = {
    ...sizes(given, computed),
    ...headings(options, removal.report),
    weights: rows,
    check,
  };
  return { computed, exported, report };
}

/** The weights that are not lowered, encoded; not where shared tables would take more than all of them save. */
async function encoded(model: Model, weights: readonly PrunableWeight[], options: ResolvedExport) {
  const planned = await planWeights(model, weights, options);
  const choices = new Map(
    planned.flatMap(({ name, choice }) => (choice === undefined ? [] : [[name, choice] as const])),
  );
  const exported = encodeWeights(model, choices);
  if (options.format !== "auto" || choices.size === 0 || exportedSize(model, exported) < modelSize(model)) {
    return { exported, planned };
  }
  const reason = "the tables of the decoders would take more than the weights save";
  const stays = planned.map(({ choice: _, ...one }): PlannedWeight => {
    return { ...one, encoding: "dense", bytesAfter: one.bytesBefore, reason };
  });
  return { exported: model, planned: stays };
}

function weightRows(
  weights: readonly PrunableWeight[],
  planned: readonly PlannedWeight[],
  lowered: readonly LoweredWeight[],
): readonly ExportedWeight[] {
  const plans = new Map(planned.map((one) => [one.name, one]));
  const layers = new Map(lowered.map((one) => [one.name, one]));
  return weights.map(({ name, tensor }) => {
    const bytesBefore = tensorByteLength(tensor);
    const plan = plans.get(name);
    const layer = layers.get(name);
    if (plan === undefined) {
      const { form, bytesAfter, reason } = layer ?? {
        form: "removed",
        bytesAfter: 0,
        reason: "its channels were removed",
      };
      return { name, encoding: form, bytesBefore, bytesAfter, reason };
    }
    const { choice: _, ...row } = plan;
    const reason = layer?.blocks === undefined ? row.reason : `not lowered: ${layer.reason}; ${row.reason}`;
    return { ...row, bytesBefore, reason: row.reason === "not lowered" ? (layer?.reason ?? row.reason) : reason };
  });
}

function sizes(given: Model, exported: Model) {
  return {
    bytesBefore: modelSize(given),
    bytes: exportedSize(given, exported),
    gzipBytesBefore: null,
    gzipBytes: null,
    brotliBytesBefore: null,
    brotliBytes: null,
  };
}

function headings(options: ResolvedExport, removed: readonly RemovedChannels[] | undefined) {
  const { format, values, target } = options;
  return { format, values, target, notes: notesOf(options), ...(removed && { removed }) };
}
