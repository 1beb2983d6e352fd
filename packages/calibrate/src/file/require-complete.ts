import { StatisticsError } from "../statistics-error.js";
import { missingShards, type StatisticsFile } from "./statistics-file.js";

/** Ranges of shards that a message lists before it is cut. */
const SHOWN = 8;

/** @throws {StatisticsError} `incomplete` when shards are missing, naming them */
export function requireComplete(file: StatisticsFile): void {
  const { shards, complete } = file.samples;
  const missing = missingShards(file);
  if (complete && missing.length === 0 && shards.length > 0) return;
  const known = missing.length > 0 ? `shards ${describeShards(missing)} of ${shards.length}` : "shards";
  const beyond = complete ? "" : " and whatever comes behind the last sample that was read";
  throw new StatisticsError(
    "incomplete",
    `The statistics are not finished: ${known}${beyond} are missing. Continue with \`espalier calibrate --resume\`, or merge the files of all shards.`,
    missing.length > 0 ? { shard: missing[0]! } : {},
  );
}

/** Ascending numbers as ranges: `0–3, 6`. */
function describeShards(shards: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const shard of shards) {
    const last = ranges.at(-1);
    if (last && last[1] === shard - 1) last[1] = shard;
    else ranges.push([shard, shard]);
  }
  const texts = ranges.slice(0, SHOWN).map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`));
  return [...texts, ...(ranges.length > SHOWN ? ["…"] : [])].join(", ");
}
