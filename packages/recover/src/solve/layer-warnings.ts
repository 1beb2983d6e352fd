import type { FactoredGroup } from "./group-problem.js";

/** What makes a solution less certain than it looks, one sentence each, with the numbers. */
export function layerWarnings(groups: readonly FactoredGroup[], askedDamping: number): string[] {
  const warnings: string[] = [];
  const { features } = groups[0]!;
  const count = Math.min(...groups.map(({ all }) => all.count));
  if (count < features) {
    warnings.push(
      `${count} positions for ${features} inputs: their second moments have no full rank and the result leans on the damping; use more samples`,
    );
  }
  const damping = Math.max(...groups.map(({ damped }) => damped.damping));
  if (damping > askedDamping) {
    warnings.push(
      `a damping of ${askedDamping} of the mean diagonal was not enough to factor the inputs' second moments; ${damping} was`,
    );
  }
  return warnings;
}
