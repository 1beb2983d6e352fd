import { CoreError } from "../errors.js";
import { nmMask } from "../kernels/index.js";
import { type InputAxis, inputAxis } from "../layout/input-axis.js";
import { describeLocation, locate } from "../layout/locate.js";
import { Mask } from "../mask/mask.js";
import type { WeightMask } from "../mask/weight-mask.js";
import type { WeightView } from "../weight-view.js";
import { axisConflictReason } from "./axis-conflict.js";
import type { Pattern, Violation } from "./pattern.js";
import type { PatternSyntax } from "./pattern-syntax.js";

/** Longer groups gain nothing over unstructured, and the kernels keep a group in registers or on a short stack. */
const MAX_M = 64;

/**
 * N:M: of every `m` consecutive input channels the `n` most important entries stay, for each out channel and each kernel
 * position by itself; among equals the lower index goes. Exactly `n` stay even where all are equal. A weight whose number of
 * input channels is no multiple of `m`, or whose input channels do not lie in one axis of its buffer, is refused.
 *
 * A weight conforms when no group keeps more than `n`.
 *
 * @param n entries kept, 1 ≤ n < m
 * @param m group length, at most 64
 * @throws {CoreError} `invalid-pattern`
 */
export function nm(n: number, m: number): Pattern {
  const spec = `${n}:${m}`;
  if (!(Number.isInteger(n) && Number.isInteger(m) && n >= 1 && n < m && m <= MAX_M)) {
    throw new CoreError(
      "invalid-pattern",
      `the pattern is ${spec}, expected N:M with 1 ≤ N < M ≤ ${MAX_M} (keep N of every M), such as 2:4`,
    );
  }
  return {
    spec,
    sparsity: (m - n) / m,
    eligibility: (view) => ineligibility(view, m),
    select: (views, importanceOf) => views.map((view) => selectOne(view, importanceOf(view), n, m)),
    violation: (view, zeros) => fullGroup(view, zeros, n, m),
  };
}

/** `N:M`, which fixes its sparsity. */
export const nmSyntax: PatternSyntax = {
  form: "N:M",
  expression: /^(\d+):(\d+)$/,
  fixesSparsity: true,
  takesGroup: false,
  build: ([n, m]) => nm(n!, m!),
};

function ineligibility(view: WeightView, m: number): string | undefined {
  const conflict = axisConflictReason(view);
  if (conflict !== undefined) return conflict;
  const axis = inputAxis(view);
  if (typeof axis === "string") return axis;
  return axis.size % m === 0 ? undefined : `its ${axis.size} input channels are no multiple of ${m}`;
}

function selectOne(view: WeightView, importance: Float32Array, n: number, m: number): WeightMask {
  const { outer, size, inner } = inputAxis(view) as InputAxis;
  const bits = new Uint8Array(Math.ceil(importance.length / 8));
  nmMask(importance, outer, size, inner, n, m, bits);
  return { mask: Mask.adopt(importance.length, bits), raggedBlocks: 0 };
}

function fullGroup(view: WeightView, zeros: Mask, n: number, m: number): Violation | undefined {
  const reason = ineligibility(view, m);
  if (reason !== undefined) return { message: reason };
  const { inner } = inputAxis(view) as InputAxis;
  for (let start = 0; start < zeros.length; start += m * inner) {
    for (let index = start; index < start + inner; index++) {
      const kept = keptInGroup(zeros, index, m, inner);
      if (kept > n) return describeGroup(view, index, index + (m - 1) * inner, kept, `${n}:${m}`);
    }
  }
  return undefined;
}

function keptInGroup(zeros: Mask, first: number, m: number, stride: number): number {
  let kept = 0;
  for (let member = 0; member < m; member++) if (zeros.keeps(first + member * stride)) kept++;
  return kept;
}

function describeGroup(view: WeightView, first: number, last: number, kept: number, spec: string): Violation {
  const location = locate(view, first);
  const end = locate(view, last).inFeature;
  return {
    message: `from ${describeLocation(location)} to in-feature ${end}: ${kept} entries are not zero, ${spec} allows ${spec.split(":")[0]}`,
    ...location,
  };
}
