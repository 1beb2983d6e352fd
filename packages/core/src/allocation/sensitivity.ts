import { CoreError } from "../errors.js";
import type { AllocationStrategy, Sensitivity, Share } from "./allocation.js";
import { type CurvePoint, lowerHull } from "./lower-hull.js";

/** Some steps of a weight that all cost the same error. */
interface Segment {
  /** Index of the weight. */
  readonly weight: number;
  readonly steps: number;
  /** What one step saves. */
  readonly step: number;
  /** Error per unit of what is saved. */
  readonly slope: number;
}

/**
 * A knapsack over measured errors: prunes where it adds the least error for what it saves. Between measured points the error
 * is taken as linear, along the lower convex hull of the measurements, and errors of weights as adding up; then taking the
 * cheapest steps first gives the smallest sum that the total allows. Nothing is pruned beyond its last measurement.
 */
export const sensitivity: AllocationStrategy = {
  name: "sensitivity",
  needs: "sensitivity",
  amounts(shares, { amount }, { sensitivity: measured }) {
    const amounts = shares.map(() => 0);
    const tables = shares.map((share) => requireTable(share, measured!));
    requireReach(shares, tables, amount);
    const segments = shares.flatMap((share, index) => segmentsOf(share, index, tables[index]!));
    let left = amount;
    // A stable sort: the segments of a weight, whose slopes ascend, stay in their order.
    for (const { weight, steps, step } of segments.toSorted((a, b) => a.slope - b.slope)) {
      // The tolerance is for costs that are no whole numbers: 0.3 holds three steps of 0.1.
      const taken = Math.min(steps, Math.floor(left / step + 1e-9));
      amounts[weight]! += taken * step;
      left -= taken * step;
    }
    return amounts;
  },
};

function segmentsOf(share: Share, weight: number, table: Sensitivity): Segment[] {
  const hull = lowerHull(pointsOf(share, table));
  return hull.slice(1).map((end, index) => {
    const start = hull[index]!;
    const steps = end.x - start.x;
    return { weight, steps, step: share.step, slope: (end.y - start.y) / (steps * share.step) };
  });
}

/** Measurements at whole steps, from 0 on; of several at one step the lowest error. Cut at what the weight may lose. */
function pointsOf({ steps, mostSteps }: Share, { sparsities, errors }: Sensitivity): CurvePoint[] {
  const points = new Map<number, number>([[0, 0]]);
  for (const [index, sparsity] of sparsities.entries()) {
    const x = Math.round(sparsity * steps);
    if (x > 0) points.set(x, Math.min(errors[index]!, points.get(x) ?? Number.POSITIVE_INFINITY));
  }
  return cutAt(
    [...points].map(([x, y]) => ({ x, y })),
    mostSteps,
  );
}

/** The curve up to a limit, which gets a point on the line there. */
function cutAt(points: readonly CurvePoint[], limit: number): CurvePoint[] {
  const inside = points.filter(({ x }) => x <= limit);
  const next = points[inside.length];
  const last = inside.at(-1)!;
  if (next === undefined || last.x === limit) return inside;
  const y = last.y + ((next.y - last.y) * (limit - last.x)) / (next.x - last.x);
  return [...inside, { x: limit, y }];
}

function requireTable({ name }: Share, measured: ReadonlyMap<string, Sensitivity>): Sensitivity {
  const table = measured.get(name);
  const fail = (problem: string): never => {
    throw new CoreError("invalid-argument", `the sensitivity of weight "${name}" ${problem}`, { weight: name });
  };
  if (table === undefined) return fail("is missing: measure it or exclude the weight");
  const { sparsities, errors } = table;
  if (sparsities.length === 0 || sparsities.length !== errors.length) {
    return fail(`has ${sparsities.length} sparsities and ${errors.length} errors, expected as many, at least one`);
  }
  const fraction = sparsities.findIndex(
    (sparsity, index) => !(sparsity >= 0 && sparsity < 1 && sparsity > (sparsities[index - 1] ?? -1)),
  );
  if (fraction >= 0)
    return fail(`holds the sparsity ${sparsities[fraction]} at ${fraction}, expected ascending fractions in [0, 1)`);
  const error = errors.findIndex((value) => !(value >= 0 && value < Number.POSITIVE_INFINITY));
  if (error >= 0) return fail(`holds the error ${errors[error]} at ${error}, expected a finite number of at least 0`);
  return table;
}

function requireReach(shares: readonly Share[], tables: readonly Sensitivity[], amount: number): void {
  const reach = shares.reduce((sum, { size }, index) => sum + size * tables[index]!.sparsities.at(-1)!, 0);
  // Half a step of each weight is what rounding to steps may cost.
  if (amount <= shares.reduce((sum, { step }) => sum + step / 2, reach)) return;
  const size = shares.reduce((sum, share) => sum + share.size, 0);
  throw new CoreError(
    "invalid-sparsity",
    `the measurements reach a sparsity of ${(reach / size).toFixed(4)} over all weights, the target asks for ` +
      `${(amount / size).toFixed(4)}: measure higher sparsities`,
  );
}
