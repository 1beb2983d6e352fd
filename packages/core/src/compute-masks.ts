import type { Criterion } from "./criteria/criterion.js";
import { CoreError } from "./errors.js";
import type { WeightMask } from "./mask/weight-mask.js";
import type { Pattern } from "./patterns/pattern.js";
import { refusalReason } from "./refusal-reason.js";
import { requireImportance } from "./require-importance.js";
import { resolvePattern } from "./resolve-pattern.js";
import type { Statistics } from "./statistics.js";
import type { WeightView } from "./weight-view.js";

/** What to prune by, and into which shape. */
export interface MaskRequest {
  /** Scores every entry. */
  readonly criterion: Criterion;
  /** The shape of the zeros, with its sparsity. */
  readonly pattern: Pattern;
  /** By weight name, for criteria that need them. @default none */
  readonly statistics?: Statistics;
  /**
   * Memory in which one weight after the other is read and scored; what was in it is lost. Useful from 4 bytes per entry on.
   * Garbage collectors free large arrays late: where every weight takes new ones, several are in memory at a time.
   *
   * @default new arrays for every weight
   */
  readonly scratch?: ArrayBuffer;
}

/**
 * Decides which entries of each weight go. Zeros that were there before count toward the target, so the masks of a pruned
 * weight are its masks again; at sparsity 0 nothing goes; masks nest as sparsity grows.
 *
 * Weights are read one at a time: memory is one weight, its importance (in the same place with `scratch`), and a bit per
 * entry. With comparison group `model` each is read several times.
 *
 * @param views weights of different names, none of which changes meanwhile
 * @returns a mask for every weight, in their order
 * @throws {CoreError} `unsupported` with every weight that cannot take the request; `not-finite` naming weight and first
 *   index of a NaN or ±Infinity in values, statistics or importance; `shape-mismatch`; `duplicate-weight` on a name that
 *   two weights share
 */
export function computeMasks(views: readonly WeightView[], request: MaskRequest): Map<string, WeightMask> {
  requireSupport(views, request);
  const pattern = resolvePattern(request.pattern, request.criterion);
  const selections = pattern.select(views, (view) => importanceOf(view, request));
  return new Map(views.map((view, i) => [view.name, selections[i]!]));
}

function importanceOf(view: WeightView, { criterion, statistics, scratch }: MaskRequest): Float32Array {
  const values = view.read(scratch);
  // Importance may replace the values only where they are a copy made for this: a view may hand out its own array.
  const into = values instanceof Float32Array && values.buffer === scratch ? values : undefined;
  return requireImportance(view, criterion.score(view, values, statistics?.get(view.name), into));
}

function requireDistinctNames(views: readonly WeightView[]): void {
  const names = new Set<string>();
  for (const { name } of views) {
    if (names.has(name)) {
      throw new CoreError("duplicate-weight", `two weights are named "${name}", expected different names`, {
        weight: name,
      });
    }
    names.add(name);
  }
}

/** Throws `unsupported` with every weight that cannot take a request, and why; `duplicate-weight` on a name used twice. */
export function requireSupport(views: readonly WeightView[], request: MaskRequest): void {
  requireDistinctNames(views);
  const refusals = views.flatMap((view) => {
    const reason = refusalReason(view, request);
    return reason === undefined ? [] : [{ name: view.name, reason }];
  });
  if (refusals.length === 0) return;
  const { criterion, pattern } = request;
  const list = refusals.map(({ name, reason }) => `"${name}": ${reason}`).join("; ");
  throw new CoreError(
    "unsupported",
    `${refusals.length} of ${views.length} weights cannot be pruned with ${criterion.name} and ${pattern.spec}: ${list}. ` +
      "Exclude them or choose another pattern or criterion",
    { refusals },
  );
}
