import { type CollectedStatistics, missingShards, type StatisticsFile, summarize } from "@espalier/calibrate";
import { printable, table } from "./table.js";

/** The JSON document of `calibrate`. */
export function calibrationDocument(output: string, collected: CollectedStatistics, seconds: number): string {
  const { file, samples, shards, skipped } = collected;
  return document({
    output,
    samples,
    shards,
    seconds,
    weights: weightsOf(file),
    skipped,
    withoutGram: file.withoutGram,
  });
}

/** What `calibrate` says to people. */
export function calibrationText(
  output: string,
  { file, samples, shards }: CollectedStatistics,
  seconds: number,
): string {
  const reused = shards.reused > 0 ? `, ${shards.reused} of them taken over` : "";
  const done = `${output}: ${samples} samples, ${shards.done} of ${shards.total} shards${reused}, in ${seconds.toFixed(1)} s.`;
  return `${listing(file)}\n${done} ${nextStep(output, file)}\n`;
}

/** The JSON document of `merge`. */
export function mergeDocument(output: string, file: StatisticsFile): string {
  const total = file.samples.shards.length;
  const missing = missingShards(file);
  const shards = { total, done: total - missing.length, missing };
  return document({
    output,
    samples: file.samples.count,
    shards,
    weights: weightsOf(file),
    skipped: summarize(file).skipped,
  });
}

/** What `merge` says to people. */
export function mergeText(output: string, file: StatisticsFile): string {
  const total = file.samples.shards.length;
  const done = total - missingShards(file).length;
  return `${listing(file)}\n${output}: ${file.samples.count} samples, ${done} of ${total} shards. ${nextStep(output, file)}\n`;
}

function document(content: object): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

function weightsOf({ moments }: StatisticsFile): { name: string; inFeatures: number }[] {
  const squares = moments.filter(({ kind }) => kind === "squares");
  return squares.flatMap(({ weights }) => weights.map(({ name, inFeatures }) => ({ name, inFeatures })));
}

function listing(file: StatisticsFile): string {
  const { statistics, grams, skipped, withoutGram } = summarize(file);
  const rows = weightsOf(file).filter(({ name }) => statistics.has(name));
  const text = table(rows, [
    { heading: "weight", cell: ({ name }) => name },
    { heading: "in features", cell: ({ inFeatures }) => inFeatures.toLocaleString("en"), numeric: true },
    { heading: "positions", cell: ({ name }) => statistics.get(name)!.count.toLocaleString("en"), numeric: true },
    ...(grams.size > 0
      ? [{ heading: "Gram matrix", cell: ({ name }: { name: string }) => (grams.has(name) ? "yes" : "no") }]
      : []),
  ]);
  return [
    text,
    ...skipped.map(({ name, reason }) => printable(`not measured: ${name}: ${reason}`)),
    ...withoutGram.map(({ name, reason }) => printable(`no Gram matrix: ${name}: ${reason}`)),
    "",
  ].join("\n");
}

function nextStep(output: string, file: StatisticsFile): string {
  const isWhole = file.samples.complete && missingShards(file).length === 0;
  return isWhole
    ? `Next: espalier prune MODEL -o OUT --criterion wanda --statistics ${output}`
    : "Next: espalier merge it with the files of the other shards";
}
