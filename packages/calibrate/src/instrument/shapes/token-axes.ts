import type { ValueInfoProto } from "@espalier/onnx";
import { declaredDims } from "./declared-dims.js";
import { type Dim, fixed, type Shape } from "./dim.js";
import type { Symbols } from "./symbols.js";

/** The two axes of a mask `[batch, seq]`, as they appear in dims. */
export interface TokenAxes {
  readonly batch: string;
  readonly seq: string;
  /** Numbers behind these names, where the model fixes them. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** Rank from which an input counts as an image or the like: what is computed from its sizes has nothing to do with tokens. */
const RANK_WITHOUT_TOKENS = 4;

/** The axes of a mask; undefined where it is not declared with two dims. */
export function tokenAxes(mask: ValueInfoProto): TokenAxes | undefined {
  const dims = declaredDims(mask);
  if (dims?.length !== 2) return undefined;
  const names = dims.map((dim, axis) => (typeof dim === "string" && dim !== "" ? dim : `${mask.name}[${axis}]`));
  const sizes = dims.flatMap((dim, axis) => (typeof dim === "number" ? [[names[axis]!, dim] as const] : []));
  return { batch: names[0]!, seq: names[1]!, sizes: new Map(sizes) };
}

/**
 * The shape of an input. One of lower rank that declares its first two sizes as the mask does (the same names, the same
 * numbers, or neither) has the axes of the mask.
 */
export function inputShape(
  input: ValueInfoProto,
  symbols: Symbols,
  mask: ValueInfoProto | undefined,
): Shape | undefined {
  const declared = declaredDims(input);
  const tokens = mask && tokenAxes(mask);
  const same = mask && declaredDims(mask)?.every((dim, axis) => dim === declared?.[axis]);
  const hasTokens = tokens !== undefined && same === true && declared!.length < RANK_WITHOUT_TOKENS;
  return declared?.map((dim, axis): Dim => {
    if (hasTokens && axis < 2) return [axis === 0 ? tokens.batch : tokens.seq];
    if (typeof dim === "number") return fixed(dim);
    const name = dim === "" ? `${input.name}[${axis}]` : dim;
    const ofTokens = name === tokens?.batch || name === tokens?.seq;
    return declared.length < RANK_WITHOUT_TOKENS || ofTokens ? [name] : symbols.independent(name);
  });
}
