import { markdownTable } from "markdown-table";
import type { Check } from "./check.js";
import type { ByModel, Latency, Verification } from "./verification.js";

const HEADER = ["check", "status", "measured", "limit"];

/**
 * A verification as text for people: a Markdown table of the checks, what each of them found, sizes, times, and the
 * verdict as the last line. Ends in a newline. Names out of the models cannot break lines or move a terminal's cursor.
 */
export function formatVerification(verification: Verification): string {
  const { checks } = verification;
  const table = markdownTable([HEADER, ...checks.map(cellsOf)], { align: ["l", "l", "r", "r"] });
  const findings = checks.map(({ name, message }) => `${name}: ${message.replaceAll(/[\p{Cc}\s]+/gu, " ")}`);
  const sizes = sizeLines(verification);
  const times = latencyLines(verification.latency);
  return [table, "", ...findings, "", ...sizes, ...times, verdict(verification), ""].join("\n");
}

function cellsOf({ name, status, measured, limit }: Check): string[] {
  return [name, status, number(measured), number(limit)];
}

function number(value: number | null): string {
  return value === null ? "–" : String(Number(value.toPrecision(4)));
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
