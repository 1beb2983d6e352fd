import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  TensorProto_DataType as DataType,
  decodeModel,
  encodeModel,
  type Model,
  readModel,
  tensorBytes,
  tensorChunks,
  withTensorData,
  writeModel,
} from "@espalier/onnx";
import { buildModel, externalTensor, random, tensor } from "@espalier/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { find, makeWorkspace, type Workspace } from "../fixtures/external-model.js";
import { richModel } from "../fixtures/rich-model.js";

const MIB = 2 ** 20;

/** Two whole pieces and a part of a third. */
const COUNT = 2 * MIB + 3;
const values = random(5).float32(COUNT);

function bigModel(storage: "raw" | "typed" = "raw"): Model {
  return decodeModel(buildModel({ nodes: [], initializers: [tensor("big", [COUNT], values, storage)] }));
}

/** Copies: a chunk is valid only until the next one. */
function chunksOf(model: Model, name = "big"): Uint8Array[] {
  return Array.from(tensorChunks(model, find(model, name)), (chunk) => chunk.slice());
}

/** The bytes cut after every `length`, which divides nothing here. */
function* cut(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

function same(chunks: Iterable<Uint8Array>, expected: Uint8Array): boolean {
  return Buffer.compare(Buffer.concat([...chunks]), expected) === 0;
}

const bytes = new Uint8Array(values.buffer);
const refusal = (code: string) => expect.objectContaining({ name: "OnnxError", code });

describe("tensorChunks", () => {
  it.each(["raw", "typed"] as const)("cuts %s data into pieces of 4 MiB and a rest", (storage) => {
    const chunks = chunksOf(bigModel(storage));
    expect(chunks.map(({ length }) => length)).toEqual([4 * MIB, 4 * MIB, 12]);
    expect(same(chunks, bytes)).toBe(true);
  });

  it("gives the bytes of tensorBytes for every form of tensor", () => {
    const model = decodeModel(richModel());
    for (const proto of model.storage.tensors.keys()) {
      if (proto.dataType === DataType.STRING) continue;
      expect(Buffer.concat([...tensorChunks(model, proto)])).toEqual(Buffer.from(tensorBytes(model, proto)));
    }
  });

  it("starts every piece at the start of a buffer, so that any typed array fits", () => {
    const [rich, big] = [decodeModel(richModel()), bigModel()];
    const chunks = [...tensorChunks(rich, find(rich, "raw_f32")), ...tensorChunks(big, find(big, "big"))];
    expect(chunks.map(({ byteOffset }) => byteOffset)).toEqual([0, 0, 0, 0]);
  });

  it("lets the caller overwrite a piece: neither the model nor an edit changes", () => {
    const model = bigModel();
    const big = find(model, "big");
    for (const chunk of tensorChunks(model, big)) chunk.fill(0);
    const kept = bytes.slice();
    const edited = withTensorData(model, new Map([[big, () => kept]]));
    for (const chunk of tensorChunks(edited, big)) chunk.fill(0);
    expect(same([kept], bytes)).toBe(true);
    expect(same(chunksOf(model), bytes)).toBe(true);
  });

  it("keeps two readers of one tensor apart", () => {
    const model = bigModel();
    const [one, other] = [tensorChunks(model, find(model, "big")), tensorChunks(model, find(model, "big"))];
    const first = one.next().value!;
    other.next();
    other.next();
    expect(same([first], bytes.subarray(0, 4 * MIB))).toBe(true);
  });

  it("refuses what is not stored as its dims say at once, before anything is allocated for it", () => {
    // 2^40 elements and no data.
    const lying = Object.assign(tensor("w", [0], new Float32Array(0)), { dims: [2n ** 40n] });
    const model = decodeModel(buildModel({ nodes: [], initializers: [lying] }));
    expect(() => tensorChunks(model, find(model, "w"))).toThrow(refusal("shape-mismatch"));
    expect(() => tensorChunks(bigModel(), find(model, "w"))).toThrow(refusal("unknown-tensor"));
  });
});

describe("an edit in pieces", () => {
  const turned = bytes.map((byte) => byte ^ 0xff);
  const editedBy = (data: () => Uint8Array | Iterable<Uint8Array>): Model => {
    const model = bigModel();
    return withTensorData(model, new Map([[find(model, "big"), data]]));
  };

  it.each([1e6 + 1, 4 * MIB, 9e6])("is the same in every form of output as one array: pieces of %i bytes", (length) => {
    const edited = editedBy(() => cut(turned, length));
    const whole = editedBy(() => turned);
    expect(same([tensorBytes(edited, find(edited, "big"))], turned)).toBe(true);
    expect(same([encodeModel(edited)], encodeModel(whole))).toBe(true);
    const chunks = chunksOf(edited);
    expect(chunks.map((chunk) => chunk.length)).toEqual([4 * MIB, 4 * MIB, 12]);
    expect(same(chunks, turned)).toBe(true);
  });

  it("may have empty pieces, and reuse one piece of memory", () => {
    const memory = new Uint8Array(12);
    const edited = withTensorData(decodeModel(richModel()), new Map());
    const data = function* () {
      yield memory.subarray(0, 0);
      yield memory.fill(1);
      yield memory.fill(2);
    };
    const model = withTensorData(edited, new Map([[find(edited, "raw_f32"), data]]));
    const expected = new Uint8Array(24).fill(1, 0, 12).fill(2, 12);
    expect(tensorBytes(model, find(model, "raw_f32"))).toEqual(expected);
    expect(new Uint8Array(Buffer.concat(chunksOf(model, "raw_f32")))).toEqual(expected);
  });

  it("may be made from the pieces of an earlier edit", () => {
    const once = editedBy(() => cut(turned, 1e6 + 1));
    const big = find(once, "big");
    const twice = withTensorData(
      once,
      new Map([
        [
          big,
          function* () {
            for (const chunk of tensorChunks(once, big)) yield chunk.map((byte) => byte ^ 0xff);
          },
        ],
      ]),
    );
    expect(same(chunksOf(twice), bytes)).toBe(true);
  });

  it.each([
    ["too few", () => [bytes.subarray(8)]],
    ["too many", () => [bytes, new Uint8Array(4)]],
    ["no", () => []],
  ])("is refused when it has %s bytes", (_, data: () => Uint8Array[]) => {
    const edited = editedBy(data);
    expect(() => tensorBytes(edited, find(edited, "big"))).toThrow(refusal("shape-mismatch"));
    expect(() => chunksOf(edited)).toThrow(refusal("shape-mismatch"));
    expect(() => encodeModel(edited)).toThrow(refusal("shape-mismatch"));
  });

  it("is told of when the output ends early, so that it can close what it opened", () => {
    let closed = 0;
    const edited = editedBy(function* () {
      try {
        yield turned;
        yield turned;
      } finally {
        closed++;
      }
    });
    expect(() => encodeModel(edited)).toThrow(refusal("shape-mismatch"));
    for (const _ of tensorChunks(edited, find(edited, "big"))) break;
    expect(closed).toBe(2);
  });
});

describe("external data", () => {
  let workspace: Workspace;
  beforeEach(() => {
    workspace = makeWorkspace();
  });
  afterEach(() => workspace.remove());

  it("is read and edited in pieces, wherever it lies in its file", () => {
    const entry = { location: "w.bin", offset: 5, length: bytes.length };
    const path = join(workspace.input, "model.onnx");
    writeFileSync(path, buildModel({ nodes: [], initializers: [externalTensor("big", [COUNT], "float32", entry)] }));
    writeFileSync(join(workspace.input, "w.bin"), Buffer.concat([Buffer.from("front"), bytes, Buffer.from("end")]));
    const model = readModel(path);
    expect(same(chunksOf(model), bytes)).toBe(true);
    const big = find(model, "big");
    const edit = function* () {
      for (const chunk of tensorChunks(model, big)) yield chunk.map((byte) => byte ^ 0xff);
    };
    for (const externalData of ["keep", "embed", { location: "packed.bin" }] as const) {
      const output = join(workspace.output, "out.onnx");
      writeModel(withTensorData(model, new Map([[big, edit]])), output, { externalData });
      expect(
        same(
          chunksOf(readModel(output)),
          bytes.map((byte) => byte ^ 0xff),
        ),
      ).toBe(true);
    }
  });
});
