import { Packr } from "msgpackr";
import type { MomentSums, Sum } from "../moment.js";
import { bytesOfHex } from "./hex.js";
import { FORMAT, type StatisticsFile, VERSION } from "./statistics-file.js";

/**
 * The bytes of a `.stats` file. The same content gives the same bytes.
 *
 * @see the package's README for the format
 */
export function encodeStatistics(file: StatisticsFile): Uint8Array<ArrayBuffer> {
  const pieces = [...statisticsPieces(file)];
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** {@link encodeStatistics} piece by piece; sums are views, not copies, so that Gram matrices are not in memory twice. */
export function* statisticsPieces(file: StatisticsFile): Generator<Uint8Array, void, undefined> {
  // Plain maps, so that any MessagePack reader can read them; a fresh packer, because a used one remembers.
  const packer = new Packr({ useRecords: false, variableMapSize: true });
  const sums = file.moments.flatMap(sumsOf);
  const head = Uint8Array.from(packer.pack(headOf(file)));
  // A map of up to 15 entries has their number in the lowest bits of its first byte: room for `sums`, which come one by one.
  head[0]!++;
  yield head;
  yield Uint8Array.from(packer.pack("sums"));
  yield listHeader(sums.length);
  for (const { values } of sums) {
    yield binaryHeader(values.byteLength);
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}

/** Everything but the numbers. `format` and `version` come first: they tell a file apart before anything else is parsed. */
function headOf({ model, options, samples, skipped, withoutGram, moments }: StatisticsFile) {
  return {
    format: FORMAT,
    version: VERSION,
    model: { graph: model.graph, weights: model.weights },
    options: { batch: options.batch, shardSize: options.shardSize, mask: options.mask },
    samples: { count: samples.count, complete: samples.complete, shards: bytesOfHex(samples.shards) },
    skipped: skipped.map(({ name, reason }) => ({ name, reason })),
    withoutGram: withoutGram.map(({ name, reason }) => ({ name, reason })),
    moments: moments.map(({ kind, weights, folded, total, pending }) => ({
      kind,
      weights: weights.map(({ name, groups, inFeatures }) => ({ name, groups, inFeatures })),
      folded,
      count: total?.count ?? 0,
      pending: [...pending].map(([shard, { count }]) => [shard, count]),
    })),
  };
}

function sumsOf({ total, pending }: MomentSums): readonly Sum[] {
  return [...(total ? [total] : []), ...pending.values()];
}

function listHeader(length: number): Uint8Array {
  if (length < 16) return Uint8Array.of(0x90 + length);
  return length < 2 ** 16 ? header(0xdc, 2, length) : header(0xdd, 4, length);
}

function binaryHeader(length: number): Uint8Array {
  if (length < 2 ** 8) return header(0xc4, 1, length);
  return length < 2 ** 16 ? header(0xc5, 2, length) : header(0xc6, 4, length);
}

/** A type byte and a big-endian length. */
function header(type: number, width: number, length: number): Uint8Array {
  const shifts = Array.from({ length: width }, (_, index) => 2 ** (8 * (width - 1 - index)));
  return Uint8Array.of(type, ...shifts.map((shift) => Math.floor(length / shift) % 256));
}
