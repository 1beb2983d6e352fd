import { balancedBlocks } from "@espalier/core";
import { ExportError } from "../export-error.js";
import type { BlockLayer, BlockSize, Choice, LoweredForm, LoweredValues, LoweringTarget } from "./layer.js";

/** Options of `lowerBlocks`. */
export interface LowerOptions {
  /** The blocks of all weights. @default for every weight those that the model's pruning record names */
  readonly blocks?: BlockSize;
  /** @default "ort-node" */
  readonly target?: LoweringTarget;
  /** @default "f32" */
  readonly values?: LoweredValues;
  /**
   * Rows that products multiply in one run, such as batch × tokens; for all of them. Only the choice of forms depends on it,
   * the result is right for any number. @default per weight what the model declares
   */
  readonly rows?: number;
  /**
   * Chooses the form of a weight, such as by timing them.
   *
   * @param layer what can be lowered
   * @param byRule what the rules would choose
   * @returns one of `layer.forms`, or `"dense"`
   * @default the rules
   */
  readonly choose?: (layer: BlockLayer, byRule: Choice) => LoweredForm | "dense" | Choice;
}

/** {@link LowerOptions} with every default filled in. */
export interface ResolvedOptions {
  readonly blocks: BlockSize | undefined;
  readonly target: LoweringTarget;
  readonly values: LoweredValues;
  readonly rows: number | undefined;
  readonly choose: NonNullable<LowerOptions["choose"]>;
}

/**
 * @throws {ExportError} `invalid-run`
 * @throws {CoreError} `invalid-pattern`
 */
export function resolveOptions(options: LowerOptions): ResolvedOptions {
  const { blocks, target = "ort-node", values = "f32", rows, choose = (_, byRule) => byRule } = options;
  // The pattern checks its sizes.
  if (blocks !== undefined) balancedBlocks(blocks.bk, blocks.bn, 0);
  requireOneOf("target", target, ["ort-node", "ort-web"]);
  requireOneOf("values", values, ["f32", "int8"]);
  if (rows !== undefined && (!Number.isSafeInteger(rows) || rows < 1)) {
    throw new ExportError("invalid-run", `rows is ${rows}, expected an integer of at least 1`);
  }
  return { blocks, target, values, rows, choose };
}

function requireOneOf(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new ExportError("invalid-run", `${option} is ${JSON.stringify(value)}, expected ${allowed.join(" or ")}`);
}
