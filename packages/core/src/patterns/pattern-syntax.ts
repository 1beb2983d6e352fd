import type { ComparisonGroup } from "../comparison-group.js";
import type { Pattern } from "./pattern.js";

/** How a pattern is written on the command line. */
export interface PatternSyntax {
  /** For messages and help texts, such as `block:RxC`. */
  readonly form: string;
  /** Matches the whole text; its groups are the pattern's whole numbers. */
  readonly expression: RegExp;
  /** Whether the numbers fix the sparsity, so that none may be given. */
  readonly fixesSparsity: boolean;
  /** Whether a comparison group may be given. */
  readonly takesGroup: boolean;
  /** @param sparsity checked to be given; NaN where the numbers fix it */
  build(numbers: readonly number[], sparsity: number, group: ComparisonGroup | undefined): Pattern;
}
