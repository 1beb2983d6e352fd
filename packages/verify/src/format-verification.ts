import { markdownTable } from "markdown-table";
import type { Check } from "./check.js";
import type { Verification } from "./verification.js";
import { latencyLines, loadingLines, numberText, oneLine, sizeLines, verdictLine } from "./verification-lines.js";

const HEADER = ["check", "status", "measured", "limit"];

/**
 * A verification as text for people: a Markdown table of the checks, what each of them found, sizes, times, and the
 * verdict as the last line. Ends in a newline. Names out of the models cannot break lines or move a terminal's cursor.
 */
export function formatVerification(verification: Verification): string {
  const { checks } = verification;
  const table = markdownTable([HEADER, ...checks.map(cellsOf)], { align: ["l", "l", "r", "r"] });
  const findings = checks.map(({ name, message }) => `${name}: ${oneLine(message)}`);
  const sizes = sizeLines(verification);
  const times = [...latencyLines(verification.latency), ...loadingLines(verification.loading)];
  return [table, "", ...findings, "", ...sizes, ...times, verdictLine(verification), ""].join("\n");
}

function cellsOf({ name, status, measured, limit }: Check): string[] {
  return [name, status, numberText(measured), numberText(limit)];
}
