import { gzipSync } from "node:zlib";
import type { RemovedChannels } from "@espalier/export";
import { encodeModel, externalDataFiles, type Model, modelSize } from "@espalier/onnx";
import type { ExportCheck } from "./check-export.js";
import type { ExportFormat, ExportValues, ResolvedExport } from "./export-options.js";

/** What became of one weight. */
export interface ExportedWeight {
  readonly name: string;
  /** `bitmask`, `gap4`, `gap8`, `2:4`, `coo`, `dense`, or how its blocks are multiplied: `multi`, `bmm`, `shared`. */
  readonly encoding: string;
  /** Bytes of its data in the given model. */
  readonly bytesBefore: number;
  /** Bytes of what stands in its place; tables that weights share (about 20 kB) are not in it. */
  readonly bytesAfter: number;
  /** One sentence. */
  readonly reason: string;
  /** Whether TensorRT can use its zeros; only for that target. */
  readonly eligible?: boolean;
}

/** What was exported, with sizes of the files: the `.onnx` file and its external data together. */
export interface ExportReport {
  readonly format: ExportFormat;
  readonly values: ExportValues;
  readonly target: ResolvedExport["target"];
  readonly bytesBefore: number;
  readonly bytes: number;
  /** Each file on its own with gzip at level 6; null above {@link LARGEST_IN_MEMORY}. */
  readonly gzipBytesBefore: number | null;
  readonly gzipBytes: number | null;
  /** The chosen ones, in the model's order. */
  readonly weights: readonly ExportedWeight[];
  /** Channels that went or could not; only where it was asked for. */
  readonly removed?: readonly RemovedChannels[];
  readonly check: ExportCheck;
  /** What to know before using the file. */
  readonly notes: readonly string[];
}

/** Larger models are not held in memory for the report's sake: neither compressed nor run as a whole. */
export const LARGEST_IN_MEMORY = 2 ** 29;

/** Bytes of a model's files under gzip, null for large ones. Holds one file in memory. */
export function gzipSize(model: Model): number | null {
  if (modelSize(model) > LARGEST_IN_MEMORY) return null;
  const files = [() => encodeModel(model), ...externalDataFiles(model).values()];
  return files.reduce((sum, bytesOf) => sum + gzipSync(bytesOf()).length, 0);
}

/** What users of a format have to know. */
export function notesOf({ format, target, values }: ResolvedExport): readonly string[] {
  const notes: string[] = [];
  if (format === "coo")
    notes.push("the onnxruntime-web/webgpu build refuses sparse_initializer: it does not load this model");
  if (target === "tensorrt") {
    notes.push("TensorRT uses 2:4 zeros only where it times them to be faster: trtexec --fp16 --sparsity=enable");
  }
  if (values === "int8")
    notes.push("int8 values are rounded: judge the exported model on your samples (espalier verify)");
  return notes;
}
