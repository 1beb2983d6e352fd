import type { Criterion } from "./criteria/criterion.js";
import type { Pattern } from "./patterns/pattern.js";

/** The pattern with what it leaves open filled in: its comparison group is then the criterion's default. */
export function resolvePattern(pattern: Pattern, criterion: Pick<Criterion, "defaultGroup">): Pattern {
  return pattern.group === undefined && pattern.withGroup ? pattern.withGroup(criterion.defaultGroup) : pattern;
}
