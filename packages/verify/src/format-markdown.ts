import { markdownTable } from "markdown-table";
import type { Check } from "./check.js";
import type { Verification } from "./verification.js";
import { numberText, oneLine, sizeLines, timeLines, verdictLine } from "./verification-lines.js";

/** What stands above a verification. */
export interface MarkdownOptions {
  /** The heading, such as the pruned file. @default Pruned model */
  readonly title?: string;
}

const MARKS: Readonly<Record<Check["status"], string>> = {
  passed: "✅ passed",
  failed: "❌ failed",
  skipped: "⚪ skipped",
};

/**
 * A verification as GitHub-flavoured Markdown for a comment on a pull request: the verdict, what failed, and the table of all
 * checks folded away. Ends in a newline. Names out of the models stand in code spans, where they mention nobody and link nowhere.
 */
export function formatMarkdown(verification: Verification, options: MarkdownOptions = {}): string {
  const { checks, status } = verification;
  const failed = checks.filter((check) => check.status === "failed");
  const measurements = [...sizeLines(verification), ...timeLines(verification)];
  return [
    `### ${status === "failed" ? "❌" : "✅"} ${codeSpan(options.title ?? "Pruned model")}`,
    "",
    `**${verdictLine(verification)}**`,
    "",
    ...failed.map(({ name, message }) => `- **${name}**: ${codeSpan(message)}`),
    ...(failed.length > 0 ? [""] : []),
    "<details><summary>All checks</summary>",
    "",
    markdownTable([["check", "status", "measured", "limit", "finding"], ...checks.map(cellsOf)], {
      align: ["l", "l", "r", "r", "l"],
    }),
    "",
    ...measurements.map((line) => `- ${line}`),
    "",
    "</details>",
    "",
  ].join("\n");
}

function cellsOf({ name, status, measured, limit, message }: Check): string[] {
  return [name, MARKS[status], numberText(measured), numberText(limit), codeSpan(message).replaceAll("|", "\\|")];
}

/** Text that no Markdown is read in: between more backticks in a row than it holds. */
function codeSpan(raw: string): string {
  const line = oneLine(raw).trim();
  const longest = Math.max(0, ...Array.from(line.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}
