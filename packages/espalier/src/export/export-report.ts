import type { RemovedChannels } from "@espalier/export";
import type { Loading } from "@espalier/runtime";
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
  /** The same compressed, as far as it was measured: each weight's data on their own. */
  readonly gzipBytesBefore?: number;
  readonly gzipBytesAfter?: number;
  readonly brotliBytesBefore?: number;
  readonly brotliBytesAfter?: number;
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
  /** Each file on its own with gzip at level 6; null where it was not measured. */
  readonly gzipBytesBefore: number | null;
  readonly gzipBytes: number | null;
  /** The same with brotli at quality 5. */
  readonly brotliBytesBefore: number | null;
  readonly brotliBytes: number | null;
  /** The chosen ones, in the model's order. */
  readonly weights: readonly ExportedWeight[];
  /** Channels that went or could not; only where it was asked for. */
  readonly removed?: readonly RemovedChannels[];
  readonly check: ExportCheck;
  /**
   * What loading the given and the exported model takes in fresh processes on the target's runtime, or why that could not be
   * found out; absent where it was not to be measured.
   */
  readonly loading?: { readonly before: Loading; readonly after: Loading } | { readonly problem: string };
  /** What to know before using the file. */
  readonly notes: readonly string[];
}

/** What users of a format have to know. */
export function notesOf({ format, target, values }: ResolvedExport): readonly string[] {
  const notes: string[] = [];
  if (format === "coo")
    notes.push("the onnxruntime-web/webgpu build refuses sparse_initializer: it does not load this model");
  if (target === "tensorrt") {
    notes.push("TensorRT uses 2:4 zeros only where it times them to be faster: trtexec --fp16 --sparsity=enable");
    if (values === "f16") notes.push("f16 weights stand before a Cast, which TensorRT folds when it builds its engine");
  }
  if (values === "int8")
    notes.push("int8 values are rounded: judge the exported model on your samples (espalier verify)");
  return notes;
}
