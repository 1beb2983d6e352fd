import type { Check } from "./check.js";
import type { ByModel, Latency, Verification } from "./verification.js";

const HEADER = ["check", "status", "measured", "limit", "finding"] as const;

/** A verification as a plain table for people: one line a check, then sizes, times and the verdict. Ends in a newline. */
export function formatVerification(verification: Verification): string {
  const rows = [HEADER, ...verification.checks.map(cellsOf)];
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  return [
    ...table,
    "",
    ...sizeLines(verification),
    ...latencyLines(verification.latency),
    verdict(verification),
    "",
  ].join("\n");
}

function cellsOf({ name, status, measured, limit, message }: Check): string[] {
  return [name, status, number(measured), number(limit), message.replaceAll(/\s+/g, " ")];
}

function number(value: number | null): string {
  return value === null ? "-" : String(Number(value.toPrecision(4)));
}

function sizeLines({ bytes, gzipBytes }: Verification): string[] {
  const line = (what: string, { original, pruned }: ByModel<number>) =>
    `${what}: ${original} original, ${pruned} pruned (${(pruned / original).toFixed(3)})`;
  return [line("bytes", bytes), ...(gzipBytes ? [line("gzip bytes", gzipBytes)] : [])];
}

function latencyLines(latency: Latency | undefined): string[] {
  if (latency === undefined) return [];
  const one = ({ median, min, max }: Latency["original"]) =>
    `${median.toFixed(3)} ms (${min.toFixed(3)} to ${max.toFixed(3)})`;
  return [`median of ${latency.runs} runs in turns: ${one(latency.original)} original, ${one(latency.pruned)} pruned`];
}

function verdict({ status, checks }: Verification): string {
  const count = (wanted: Check["status"]): number => checks.filter((check) => check.status === wanted).length;
  return `${status}: ${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}
