import { markdownTable } from "markdown-table";
import type { Check } from "./check.js";
import type { Verification } from "./verification.js";
import { numberText, oneLine, sizeLines, timeLines, verdictLine } from "./verification-lines.js";

const HEADER = ["check", "status", "measured", "limit"];

/**
 * A verification as text for people: a Markdown table of the checks, what each of them found, sizes, times, and the
 * verdict as the last line. Ends in a newline. Names out of the models cannot break lines or move a terminal's cursor.
 */
export function formatVerification(verification: Verification): string {
  const sizes = sizeLines(verification);
  const times = timeLines(verification);
  return [formatChecks(verification.checks), ...sizes, ...times, verdictLine(verification), ""].join("\n");
}

/** The first part of that, also for checks of a verification that was stopped: the table and the findings. Ends in a newline. */
export function formatChecks(checks: readonly Check[]): string {
  const table = markdownTable([HEADER, ...checks.map(cellsOf)], { align: ["l", "l", "r", "r"] });
  const findings = checks.map(({ name, message }) => `${name}: ${oneLine(message)}`);
  return [table, "", ...findings, ""].join("\n");
}

function cellsOf({ name, status, measured, limit }: Check): string[] {
  return [name, status, numberText(measured), numberText(limit)];
}
