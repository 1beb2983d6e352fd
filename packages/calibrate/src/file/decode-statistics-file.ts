import { Unpackr } from "msgpackr";
import { type MeasuredWeight, type Moment, type MomentSums, momentLength, type Sum } from "../moment.js";
import { StatisticsError } from "../statistics-error.js";
import { DIGEST_BYTES, hexOfBytes } from "./hex.js";
import { firstBadByte } from "./msgpack-bounds.js";
import { type Fields, malformed, readBytes, readInteger, readList, readMap, readText } from "./read-fields.js";
import {
  type CollectionOptions,
  FORMAT,
  type ModelFingerprint,
  type SamplesSeen,
  type SkippedWeight,
  type StatisticsFile,
  VERSION,
} from "./statistics-file.js";

const FINGERPRINT = /^[0-9a-f]{64}$/;

/**
 * Decodes a `.stats` file, finished or not. Unknown keys are ignored, everything else is checked; bytes may come from
 * anywhere.
 *
 * @throws {StatisticsError} `not-statistics`, `unsupported-version`, `malformed`, `not-finite`
 * @see the package's README for the format; {@link decodeStatistics} for what pruning needs
 */
export function decodeStatisticsFile(bytes: Uint8Array): StatisticsFile {
  checkVersion(bytes);
  const fields = parse(bytes);
  const samples = readSamples(readMap(fields.samples, "samples"));
  const options = readOptions(readMap(fields.options, "options"));
  checkShardCount(samples, options);
  return {
    model: readFingerprint(readMap(fields.model, "model")),
    options,
    samples,
    skipped: readSkipped(fields.skipped, "skipped"),
    withoutGram: readSkipped(fields.withoutGram, "withoutGram"),
    moments: readMoments(fields, samples.shards.length),
  };
}

/** `format`, its value, `version`: the first entries of the map, in the one encoding that MessagePack's shortest form gives. */
const BEGINNING = ["\u00a6format", `\u00b3${FORMAT}`, "\u00a7version"].join("");

/** Before anything is parsed, so that files of later versions may use what this one refuses. */
function checkVersion(bytes: Uint8Array): void {
  const mapHeader = { 222: 3, 223: 5 }[bytes[0] ?? 0] ?? 1;
  const end = mapHeader + BEGINNING.length;
  if (String.fromCharCode(...bytes.subarray(mapHeader, end)) !== BEGINNING) {
    const message = `${bytes.length} bytes that do not begin as Espalier's statistics do; expected a file of \`espalier calibrate\`.`;
    throw new StatisticsError("not-statistics", message);
  }
  const version = bytes[end];
  if (version === undefined) throw malformed("the file ends in its first bytes.", { offset: end });
  if (version === VERSION) return;
  const found = version < 0x80 ? `${version}` : "a later one";
  throw new StatisticsError(
    "unsupported-version",
    `Found version ${found} of the format, expected ${VERSION}. Calibrate again, or use the Espalier that wrote it.`,
    { offset: end },
  );
}

function parse(bytes: Uint8Array): Fields {
  const offset = firstBadByte(bytes);
  if (offset >= 0) throw malformed(`it is cut off or damaged at byte ${offset} of ${bytes.length}.`, { offset });
  let value: unknown;
  try {
    // A view of its own, because the parser leaves a property on what it is given.
    value = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" }).unpack(bytes.subarray());
  } catch (cause) {
    throw malformed(`it cannot be parsed (${cause instanceof Error ? cause.message : cause}).`, { cause });
  }
  return readMap(value, "the file");
}

function readFingerprint({ graph, weights }: Fields): ModelFingerprint {
  for (const digest of [graph, weights]) {
    if (!FINGERPRINT.test(readText(digest, "a fingerprint of the model"))) {
      throw malformed("a fingerprint of the model is not 64 hex digits.");
    }
  }
  return { graph: graph as string, weights: weights as string };
}

function readOptions({ batch, shardSize, mask }: Fields): CollectionOptions {
  return {
    batch: readInteger(batch, "batch", 1),
    shardSize: readInteger(shardSize, "shardSize", 1),
    mask: mask === null ? null : readText(mask, "mask"),
  };
}

function readSamples({ count, complete, shards }: Fields): SamplesSeen {
  if (typeof complete !== "boolean") throw malformed("samples.complete is neither true nor false.");
  return {
    count: readInteger(count, "samples.count", 0),
    complete,
    shards: hexOfBytes(readBytes(shards, "samples.shards", DIGEST_BYTES)),
  };
}

/** A shard is full before the next one begins. */
function checkShardCount({ count, shards }: SamplesSeen, { shardSize }: CollectionOptions): void {
  if (Math.ceil(count / shardSize) === shards.length) return;
  throw malformed(`${count} samples in shards of ${shardSize} do not make ${shards.length} shards.`);
}

function readSkipped(value: unknown, what: string): SkippedWeight[] {
  return readList(value, what).map((entry) => {
    const { name, reason } = readMap(entry, "a skipped weight");
    return { name: readText(name, "the name of a weight"), reason: readText(reason, "a reason") };
  });
}

function readMoments(fields: Fields, shards: number): MomentSums[] {
  const sums = readList(fields.sums, "sums").values();
  const moments = readList(fields.moments, "moments").map((entry) => readMoment(readMap(entry, "a sum"), sums, shards));
  if (!sums.next().done) throw malformed("there are more sums than the file explains.");
  checkNames(moments);
  return moments;
}

function checkNames(moments: readonly MomentSums[]): void {
  const seen = { squares: new Set<string>(), gram: new Set<string>() };
  for (const { kind, weights } of moments) {
    for (const { name } of weights) {
      if (seen[kind].has(name)) throw malformed(`weight ${JSON.stringify(name)} is there twice.`, { weight: name });
      seen[kind].add(name);
    }
  }
}

function readMoment(fields: Fields, sums: Iterator<unknown>, shards: number): MomentSums {
  const moment = readMomentShape(fields);
  const folded = readInteger(fields.folded, "folded", 0);
  const count = readInteger(fields.count, "count", 0);
  const total = folded === 0 ? undefined : readSum(moment, count, sums);
  const pending = new Map<number, Sum>();
  let last = folded;
  for (const entry of readList(fields.pending, "pending")) {
    const [shard, positions] = readList(entry, "a pending shard");
    // The shard behind the folded ones would have been folded too, so it is a gap.
    last = readInteger(shard, "the number of a pending shard", last + 1);
    pending.set(last, readSum(moment, readInteger(positions, "count", 0), sums));
  }
  if (Math.max(folded, pending.size > 0 ? last + 1 : 0) > shards) {
    throw malformed(`it holds shards beyond the ${shards} whose samples it has seen.`);
  }
  return { ...moment, folded, ...(total && { total }), pending };
}

function readMomentShape({ kind, weights }: Fields): Moment {
  if (kind !== "squares" && kind !== "gram") throw malformed('the kind of a sum is neither "squares" nor "gram".');
  const measured = readList(weights, "weights").map((entry): MeasuredWeight => {
    const { name, groups, inFeatures } = readMap(entry, "a weight");
    return {
      name: readText(name, "the name of a weight"),
      groups: readInteger(groups, "groups", 1),
      inFeatures: readInteger(inFeatures, "inFeatures", 1),
    };
  });
  const lengths = new Set(measured.map((weight) => momentLength(kind, weight)));
  if (lengths.size !== 1) throw malformed(`weights of one sum have ${lengths.size} different lengths, expected one.`);
  return { kind, weights: measured };
}

function readSum({ kind, weights }: Moment, count: number, sums: Iterator<unknown>): Sum {
  const [first] = weights;
  const weight = first!.name;
  const bytes = readBytes(sums.next().value, `the ${kind} of ${JSON.stringify(weight)}`, 8);
  const expected = momentLength(kind, first!);
  if (bytes.length / 8 !== expected) {
    throw malformed(`weight ${JSON.stringify(weight)}: found ${bytes.length / 8} sums, expected ${expected}.`, {
      weight,
    });
  }
  // A copy, because the bytes lie at any offset of the file.
  const values = new Float64Array(new Uint8Array(bytes).buffer);
  checkValues(kind, weight, values);
  return { count, values };
}

function checkValues(kind: Moment["kind"], weight: string, values: Float64Array): void {
  const index = values.findIndex((value) => !(Number.isFinite(value) && (kind === "gram" || value >= 0)));
  if (index < 0) return;
  const value = values[index]!;
  const where = `Weight ${JSON.stringify(weight)}: the sum at index ${index} is ${value}`;
  if (Number.isFinite(value))
    throw malformed(`${where}, expected a sum of squares to be at least 0.`, { weight, index });
  throw new StatisticsError("not-finite", `${where}, expected it to be finite. Calibrate again.`, { weight, index });
}
