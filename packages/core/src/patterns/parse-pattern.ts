import type { ComparisonGroup } from "../comparison-group.js";
import { CoreError } from "../errors.js";
import { balancedBlocksSyntax } from "./balanced-blocks.js";
import { blockSyntax } from "./block.js";
import { columnsSyntax } from "./columns.js";
import { nmSyntax } from "./nm.js";
import type { Pattern } from "./pattern.js";
import type { PatternSyntax } from "./pattern-syntax.js";
import { rowsSyntax } from "./rows.js";
import { unstructuredSyntax } from "./unstructured.js";

const SYNTAXES: readonly PatternSyntax[] = [
  unstructuredSyntax,
  nmSyntax,
  blockSyntax,
  balancedBlocksSyntax,
  rowsSyntax,
  columnsSyntax,
];

/** What {@link parsePattern} understands, for help texts: `unstructured`, `N:M`, `block:RxC`, … */
export const PATTERN_FORMS: readonly string[] = Object.freeze(SYNTAXES.map(({ form }) => form));

/**
 * The pattern that a text on the command line means.
 *
 * @param text a pattern's `spec`
 * @param sparsity fraction of zeros in [0, 1); required, except with N:M, which fixes its own
 * @param group only with `unstructured`
 * @throws {CoreError} `invalid-pattern` on text that is no pattern or a group where none belongs; `invalid-sparsity` when
 *   the sparsity is missing, out of range, or given with N:M
 */
export function parsePattern(text: string, sparsity?: number, group?: ComparisonGroup): Pattern {
  for (const syntax of SYNTAXES) {
    const match = syntax.expression.exec(text);
    if (!match) continue;
    // The numbers come first: of "4:2" with a sparsity, the pattern is the mistake to mention.
    const pattern = syntax.build(
      match.slice(1).map(Number),
      syntax.fixesSparsity ? Number.NaN : (sparsity ?? 0),
      group,
    );
    checkSparsity(syntax, pattern, sparsity);
    checkGroup(syntax, pattern, group);
    return pattern;
  }
  throw new CoreError("invalid-pattern", `the pattern is "${text}", expected one of ${PATTERN_FORMS.join(", ")}`);
}

/** Whether a text on the command line means a pattern that says how sparse it is, as N:M does; false for text that is no pattern. */
export function fixesSparsity(text: string): boolean {
  return SYNTAXES.some((syntax) => syntax.fixesSparsity && syntax.expression.test(text));
}

function checkSparsity({ fixesSparsity }: PatternSyntax, { spec, sparsity: own }: Pattern, given?: number): void {
  if (fixesSparsity && given !== undefined) {
    throw new CoreError(
      "invalid-sparsity",
      `a sparsity of ${given} was given with the pattern ${spec}, which fixes its own (${own}): leave it out`,
    );
  }
  if (!fixesSparsity && given === undefined) {
    throw new CoreError(
      "invalid-sparsity",
      `the pattern ${spec} needs a sparsity and none was given: add a fraction of zeros in [0, 1), such as 0.5`,
    );
  }
}

function checkGroup({ takesGroup }: PatternSyntax, { spec }: Pattern, group?: ComparisonGroup): void {
  if (takesGroup || group === undefined) return;
  throw new CoreError(
    "invalid-pattern",
    `the comparison group "${group}" was given with the pattern ${spec}: only unstructured takes one, leave it out`,
  );
}
