import type { BlockSize, ExportTarget } from "@espalier/export";
import { EspalierError } from "../errors.js";
import type { ProgressEvent } from "../progress.js";
import type { WeightSelection } from "../select-weights.js";

/** How weights are stored; `auto` chooses for each of them, see docs/export-formats.md. */
export const FORMATS = ["auto", "dense", "bitmask", "gap", "nm", "coo", "blocks"] as const;
export type ExportFormat = (typeof FORMATS)[number];

/** What numbers weights are stored in. */
export const VALUES = ["f32", "f16", "int8"] as const;
export type ExportValues = (typeof VALUES)[number];

/** What exported models run on. */
export const TARGETS: readonly ExportTarget[] = ["ort-node", "ort-web", "tensorrt"];

/** What to export, and for what. `include` and `exclude` choose the weights; the others stay as they are. */
export interface ExportOptions extends WeightSelection {
  /** @default "auto" */
  readonly format?: ExportFormat;
  /** `f32` keeps every bit, whatever the weight's type. @default "f32" */
  readonly values?: ExportValues;
  /** @default "ort-node" */
  readonly target?: ExportTarget;
  /** Blocks that weights are lowered by. @default for every weight those of the model's pruning record */
  readonly blocks?: BlockSize;
  /**
   * Times the forms of block-sparse products on this machine instead of going by measured rules. The choice, and so the bytes, may then
   * differ from run to run.
   * @default false
   */
  readonly tune?: boolean;
  /** Rows that products multiply in one run, such as batch × tokens, for the choice of forms. @default what the model declares */
  readonly rows?: number;
  /** Takes channels out that make no difference, before anything else. @default false */
  readonly removeZeroChannels?: boolean;
  /** Goes on where there is nothing to gain, and hands out a model whose outputs are further off than the format's bound. @default false */
  readonly force?: boolean;
  /**
   * Whether the report is to say what files and weights take under gzip and brotli, and what loading takes beside the given
   * model. That is a second for 5 MB and two to ten for the loads, on top of an export that takes one: a build pipeline that
   * exports the same way every day need not know. The command, which people decide by, measures unless told not to.
   * @default false
   */
  readonly measure?: boolean;
  /** Called now and then. @default nothing */
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Stops between two weights. @default never */
  readonly signal?: AbortSignal;
}

/** {@link ExportOptions} with every default filled in. */
export type ResolvedExport = ExportOptions &
  Required<Pick<ExportOptions, "format" | "values" | "target" | "removeZeroChannels" | "force" | "measure">>;

/** @throws {EspalierError} `usage` for options that are none or contradict each other */
export function resolveExport(options: ExportOptions): ResolvedExport {
  const defaults = {
    format: "auto",
    values: "f32",
    target: "ort-node",
    removeZeroChannels: false,
    force: false,
    measure: false,
  } as const;
  const resolved = { ...defaults, ...options };
  const { format, values, target, blocks } = resolved;
  requireOneOf("format", format, FORMATS);
  requireOneOf("values", values, VALUES);
  requireOneOf("target", target, TARGETS);
  const refuse = (message: string): never => {
    throw new EspalierError("usage", message);
  };
  if (target === "tensorrt" && format !== "auto" && format !== "dense") {
    refuse(`format ${format} is not for tensorrt: it takes dense weights with zeros; use auto or dense`);
  }
  if (target === "tensorrt" && values === "int8") {
    refuse(
      "values int8 are not for tensorrt: it takes them from a calibrated model with QuantizeLinear; use f16 or f32",
    );
  }
  if (format === "blocks" && values === "f16") refuse("blocks cannot have f16 values: use f32 or int8");
  const { tune = false, rows } = resolved;
  if (rows !== undefined && !(Number.isSafeInteger(rows) && rows >= 1)) refuse(`rows is ${rows}, expected at least 1`);
  if ((tune || rows !== undefined) && (target === "tensorrt" || (format !== "blocks" && format !== "auto"))) {
    refuse(
      "tune and rows choose how blocks are multiplied: they are for the formats blocks and auto, not for tensorrt",
    );
  }
  if (blocks !== undefined && format !== "blocks" && format !== "auto") {
    refuse(`blocks are only for the formats blocks and auto, not for ${format}`);
  }
  return resolved;
}

function requireOneOf(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new EspalierError("usage", `${option} is ${JSON.stringify(value)}, expected ${allowed.join(", ")}`);
}
