import { readFileSync } from "node:fs";
import { encodeModel, isOnnxError, type Model, tensorByteLength, tensorBytes, withTensorData } from "@espalier/onnx";
import { buildModel, externalTensor, ocrModelPath, type Random, random } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { richModel } from "../fixtures/rich-model.js";
import { type ByteSource, memorySource } from "../src/byte-source.js";
import { decodeSource } from "../src/decode-model.js";

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

/** A stretch of at most `longest` bytes. */
function stretch(bytes: Uint8Array, random: Random, longest: number): [number, number] {
  const start = random.int(bytes.length);
  return [start, Math.min(bytes.length, start + 1 + random.int(longest))];
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Lengths and tags are small numbers, so these bytes hit more than random ones. */
const TELLING = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x4a, 0x0b, 0x0c];

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  flip: (bytes, random) => bytes.with(random.int(bytes.length), random.int(256)),
  nudge: (bytes, random) => {
    const at = random.int(bytes.length);
    return bytes.with(at, bytes[at]! + (random.int(2) === 0 ? 1 : -1));
  },
  telling: (bytes, random) => bytes.with(random.int(bytes.length), TELLING[random.int(TELLING.length)]!),
  truncate: (bytes, random) => bytes.slice(0, 1 + random.int(bytes.length)),
  cut: (bytes, random) => {
    const [start, end] = stretch(bytes, random, 64);
    return joined(bytes.subarray(0, start), bytes.subarray(end));
  },
  duplicate: (bytes, random) => {
    const [start, end] = stretch(bytes, random, 256);
    return joined(bytes.subarray(0, end), bytes.subarray(start));
  },
  transplant: (bytes, random) => {
    const [start, end] = stretch(bytes, random, 64);
    const out = bytes.slice();
    out.copyWithin(random.int(bytes.length), start, end);
    return out;
  },
};

const NAMES = Object.keys(MUTATIONS);

/** One to four mutations, one after the other. */
function mutate(bytes: Uint8Array, random: Random): { bytes: Uint8Array; what: string } {
  const steps = Array.from({ length: 1 + random.int(4) }, () => NAMES[random.int(NAMES.length)]!);
  const apply = (now: Uint8Array, step: string) => (now.length === 0 ? now : MUTATIONS[step]!(now, random));
  return { bytes: steps.reduce(apply, bytes), what: steps.join(", ") };
}

/** A source that counts what is read of it: a bound on time that no slow machine changes. */
function counting(bytes: Uint8Array): ByteSource & { total: number } {
  const source = memorySource(bytes);
  return {
    size: source.size,
    total: 0,
    read(offset, length) {
      this.total += length;
      return source.read(offset, length);
    },
    readInto(target, offset) {
      this.total += target.length;
      source.readInto(target, offset);
    },
  };
}

/** The result, or undefined where an `OnnxError` ended it. Every other error fails the test. */
function orRefused<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    if (isOnnxError(error)) return undefined;
    throw error;
  }
}

const EXTERNAL = new Uint8Array(64).map((_, index) => index);

function decode(source: ByteSource): Model {
  return decodeSource(source, () => memorySource(EXTERNAL));
}

/** Everything that must hold for any bytes at all. Returns whether they were a model. */
function check(bytes: Uint8Array): boolean {
  const source = counting(bytes);
  const model = orRefused(() => decode(source));
  // Once for the scan, once for records that lie across two windows, and the start to tell what it is.
  expect(source.total).toBeLessThanOrEqual(3 * bytes.length + 2048);
  if (model === undefined) return false;
  expect(Buffer.compare(encodeModel(model), bytes)).toBe(0);
  for (const tensor of model.storage.tensors.keys()) {
    const data = orRefused(() => tensorBytes(model, tensor));
    if (data === undefined) continue;
    expect(data.length).toBe(tensorByteLength(tensor));
    expect(data.length).toBeLessThanOrEqual(8 * (bytes.length + EXTERNAL.length));
  }
  return true;
}

/** An edit of a damaged model has to arrive, and only it. */
function checkEdit(bytes: Uint8Array, random: Random): void {
  const model = decode(memorySource(bytes));
  const tensors = [...model.storage.tensors.keys()];
  const before = tensors.map((tensor) => orRefused(() => tensorBytes(model, tensor)));
  const chosen = random.int(tensors.length + 1);
  const data = before[chosen];
  if (data === undefined || model.storage.tensors.get(tensors[chosen]!)!.externalData.length > 0) return;
  const flipped = data.map((byte) => byte ^ 0x55);
  const out = encodeModel(withTensorData(model, new Map([[tensors[chosen]!, () => flipped]])));
  const after = decode(memorySource(out));
  const found = [...after.storage.tensors.keys()].map((tensor) => orRefused(() => tensorBytes(after, tensor)));
  expect(found).toEqual(before.with(chosen, flipped));
}

describe("any bytes", () => {
  const external = buildModel({
    nodes: [],
    initializers: [
      externalTensor("a", [4], "float32", { location: "w.bin", offset: 0, length: 16 }),
      externalTensor("b", [8], "float32", { location: "data/w.bin", offset: 32, length: 32 }),
    ],
  });

  it.each([
    ["a model with everything", richModel(), 4000],
    ["a model with external data", external, 2000],
    ["PP-OCR classification", new Uint8Array(readFileSync(ocrModelPath("classification"))), 150],
  ])("end in a model that comes out as it went in, or in an OnnxError: %s", (name, original, rounds) => {
    const source = random(20_240_607);
    let models = 0;
    for (let round = 0; round < rounds; round++) {
      const { bytes, what } = mutate(original, source);
      try {
        if (!check(bytes)) continue;
        models++;
        if (rounds > 1000) checkEdit(bytes, source);
      } catch (cause) {
        throw new Error(`${name}, round ${round}: ${what}`, { cause });
      }
    }
    // Both ways are really taken.
    expect(models).toBeGreaterThan(rounds / 20);
    expect(models).toBeLessThan(rounds);
  });
});
