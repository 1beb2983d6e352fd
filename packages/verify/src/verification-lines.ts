import type { Loading, Spread } from "@espalier/runtime";
import type { Check } from "./check.js";
import type { ByModel, Latency, Speedup, Verification } from "./verification.js";

/** A measured value or a limit to four digits, a dash where there is none. */
export function numberText(value: number | null): string {
  return value === null ? "–" : String(Number(value.toPrecision(4)));
}

/** Text out of a model on one line, without characters that move a terminal's cursor or that XML has no place for. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}\s\uFFFE\uFFFF]+/gu, " ");
}

/** The sizes of both models, one line for each way to measure. */
export function sizeLines({ bytes, gzipBytes, brotliBytes }: Verification): string[] {
  const line = (what: string, { original, pruned }: ByModel<number>) =>
    `${what}: ${original} original, ${pruned} pruned (${(pruned / original).toFixed(3)})`;
  return [
    line("bytes", bytes),
    ...(gzipBytes ? [line("gzip bytes", gzipBytes)] : []),
    ...(brotliBytes ? [line("brotli bytes", brotliBytes)] : []),
  ];
}

/** The times of both models on every backend, and what loading them takes; none where they were not measured. */
export function timeLines({ latency, otherLatencies = [], loading }: Verification): string[] {
  const others = otherLatencies.flatMap((other) => latencyLines(other).map((line) => `${other.backend}: ${line}`));
  return [...(latency ? latencyLines(latency) : []), ...others, ...loadingLines(loading)];
}

function latencyLines(latency: Latency): string[] {
  const one = ({ median, min, max }: Spread) => `${median.toFixed(3)} ms (${min.toFixed(3)} to ${max.toFixed(3)})`;
  const { runs, original, pruned, speedup } = latency;
  return [`median of ${runs} runs in turns: ${one(original)} original, ${one(pruned)} pruned`, speedLine(speedup)];
}

function speedLine({ ratio, interval, verdict }: Speedup): string {
  const claim = verdict === "undecided" ? "no difference shown" : verdict;
  const range = `${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}`;
  return `speed: ${ratio.toFixed(3)} times the original's (95 % interval ${range}): ${claim}`;
}

function loadingLines(loading: Verification["loading"]): string[] {
  if (loading === undefined) return [];
  if ("problem" in loading) return [`loading could not be measured: ${oneLine(loading.problem)}`];
  const { processes } = loading.original;
  const how = processes === 1 ? "in a fresh process" : `median of ${processes} fresh processes`;
  const times = compared(loading, "ms", ({ milliseconds }) => milliseconds);
  const peaks = compared(loading, "MB", ({ peakBytes }) => peakBytes, 1e6);
  const lines = [`loading, ${how}: ${times}`];
  return peaks === undefined ? lines : [...lines, `peak memory of loading, above the runtime's own: ${peaks}`];
}

function compared(
  { original, pruned }: ByModel<Loading>,
  unit: string,
  spreadOf: (loading: Loading) => Spread | undefined,
  divisor = 1,
): string | undefined {
  const [before, after] = [spreadOf(original), spreadOf(pruned)];
  if (before === undefined || after === undefined) return undefined;
  const text = (value: number) => (value / divisor).toFixed(1);
  const one = ({ median, min, max }: Spread) =>
    `${text(median)} ${unit}${min === max ? "" : ` (${text(min)} to ${text(max)})`}`;
  // A model that is smaller than what the kernel counts in may take nothing.
  const ratio = before.median === 0 ? "" : ` (${(after.median / before.median).toFixed(3)})`;
  return `${one(before)} original, ${one(after)} pruned${ratio}`;
}

/** `failed: 6 passed, 1 failed, 1 skipped`. */
export function verdictLine({ status, checks }: Verification): string {
  const count = (wanted: Check["status"]): number => countOf(checks, wanted);
  return `${status}: ${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}

/** How many checks ended in a status. */
export function countOf(checks: readonly Check[], wanted: Check["status"]): number {
  return checks.filter(({ status }) => status === wanted).length;
}
