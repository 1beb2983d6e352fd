import {
  buildModel,
  makeNode,
  makeValueInfo,
  type NodeProto,
  rewriteGraph,
  TensorProto_DataType,
  tensorBytes,
} from "@espalier/onnx";
import { describe, expect, it } from "vitest";
import { optimized } from "../../test-support/optimized.js";
import { DecoderWriter, SharedParts } from "./decoder-writer.js";
import type { Encoding, EncodingPlan, StoredTensor } from "./encoding.js";
import { ENCODINGS } from "./encodings.js";
import { planWithin } from "./split-plan.js";

const encodingOf = (name: string) => ENCODINGS.find((one) => one.name === name)!;

/** Int8 `[48, 10]`, half of it zero: 2:4 along the outer axis, which has the input channels. 480 bytes, int32 indices take more. */
function integers(axes: StoredTensor["axes"], shape: readonly number[] = [48, 10]): StoredTensor {
  const isKept = (index: number) => (Math.floor(index / 10) + (index % 10)) % 4 < 2;
  const values = Int8Array.from({ length: 480 }, (_, index) => (isKept(index) ? (index % 127) + 1 : 0));
  const read = () => new Uint8Array(values.slice().buffer);
  return { dataType: TensorProto_DataType.INT8, elementSize: 1, shape, axes, read };
}

const BYTES = 480;

const MATRIX: StoredTensor["axes"] = [
  { role: "in", size: 48, step: 1 },
  { role: "out", size: 10, step: 1 },
];

/** Operators of a decoder; those that are left when ONNX Runtime computes no value of more bytes while loading; and what it computed. */
async function loaded(plan: EncodingPlan, shape: readonly number[], limit: number) {
  const writer = new DecoderWriter("W", new SharedParts("shared"), 17);
  plan.emit(writer, shape, "W");
  const [own, shared] = [writer.parts(), writer.shared.parts()];
  const plain = buildModel({
    nodes: [...shared.nodes, ...own.nodes, makeNode("Reshape", ["W", "shape"], ["y"])],
    initializers: [...shared.initializers, ...own.initializers],
    inputs: [makeValueInfo("shape", TensorProto_DataType.INT64, [2])],
    outputs: [makeValueInfo("y", TensorProto_DataType.INT8, ["rows", "columns"])],
    opsets: new Map([["", 17]]),
    irVersion: 8,
  });
  const model = rewriteGraph(plain, { valueInfos: own.valueInfos });
  const after = await optimized(model, "basic", {
    extra: { optimization: { constant_folding_max_output_size_in_bytes: String(limit) } },
  });
  const { node, initializer } = after.proto.graph!;
  const types = (nodes: readonly NodeProto[]) => nodes.map(({ opType }) => opType);
  const weight = initializer.find((one) => one.name === "W");
  return { written: types(own.nodes), left: types(node), decoded: weight && tensorBytes(after, weight) };
}

function planOf(encoding: Encoding, tensor: StoredTensor, limit: number): EncodingPlan {
  const plan = planWithin(encoding, tensor, limit);
  if ("refused" in plan) throw new Error(plan.refused);
  return plan;
}

describe("planWithin", () => {
  it.each(["bitmask", "gap", "nm"])("cuts %s, so that ONNX Runtime folds it", async (name) => {
    const tensor = integers(MATRIX);
    const whole = encodingOf(name).plan(tensor) as EncodingPlan;
    const { largestValue } = whole;
    expect(largestValue).toBeGreaterThan(BYTES);
    expect((await loaded(whole, [48, 10], largestValue)).left).toEqual(["Reshape"]);
    // The limit that ONNX Runtime has is this one: what takes a byte more is not folded.
    expect((await loaded(whole, [48, 10], largestValue - 1)).left.length).toBeGreaterThan(1);
    for (const limit of [BYTES, largestValue - 1]) {
      const cut = planOf(encodingOf(name), tensor, limit);
      const { left, written, decoded } = await loaded(cut, [48, 10], limit);
      expect([left, written.at(-1)]).toEqual([["Reshape"], "Concat"]);
      expect(decoded).toEqual(tensor.read());
      expect(cut.form).toBe(whole.form);
      expect(cut.largestValue).toBeLessThanOrEqual(limit);
    }
  });

  it("cuts a weight that starts with an axis of one", async () => {
    const tensor = integers([{ role: "out", size: 1, step: 1 }, ...MATRIX], [1, 48, 10]);
    const { left, decoded } = await loaded(planOf(encodingOf("bitmask"), tensor, BYTES), [1, 48, 10], BYTES);
    expect(left).toEqual(["Reshape"]);
    expect(decoded).toEqual(tensor.read());
  });

  it("reshapes what it has joined where the weight has another shape than rows", async () => {
    const tensor = integers(MATRIX, [6, 8, 10]);
    const cut = planOf(encodingOf("bitmask"), tensor, BYTES);
    const { left, written, decoded } = await loaded(cut, [6, 8, 10], BYTES);
    expect([left, written.slice(-2)]).toEqual([["Reshape"], ["Concat", "Reshape"]]);
    expect(decoded).toEqual(tensor.read());
  });

  it("cuts as small as a row where it has to, also into rows that are no groups", async () => {
    const tensor = integers(MATRIX);
    const rows = new Set<number>();
    const counted: Encoding = {
      ...encodingOf("bitmask"),
      plan: (part) => {
        rows.add(part.shape[0]!);
        return { form: "counted", bytes: 1, largestValue: part.shape[0]! * BYTES, emit: () => "" };
      },
    };
    expect(planOf(counted, tensor, BYTES)).toMatchObject({ form: "counted", bytes: 48, largestValue: BYTES });
    expect(rows).toEqual(new Set([48, 1]));
    expect(planWithin(counted, tensor, BYTES - 1)).toEqual({
      refused: "it has 480 bytes: ONNX Runtime computes values of more than 479 bytes in every run",
    });
  });

  it("refuses what no cut helps", () => {
    const greedy: Encoding = {
      ...encodingOf("bitmask"),
      plan: () => ({ form: "", bytes: 1, largestValue: 5000, emit: () => "" }),
    };
    expect(planWithin(greedy, integers(MATRIX), 1000)).toEqual({
      refused:
        "its decoder computes a value of 5000 bytes, also in parts: ONNX Runtime computes values of more than 1000 bytes in every run",
    });
  });

  it("leaves tensors whole that fit, and those without a decoder", () => {
    const tensor = integers(MATRIX);
    for (const { name } of ENCODINGS) {
      const encoding = encodingOf(name);
      const whole = encoding.plan(tensor) as EncodingPlan;
      const limited = planOf(encoding, tensor, Math.max(whole.largestValue, 1));
      expect(limited).toMatchObject({ ...whole, emit: expect.anything() });
    }
    expect(planOf(encodingOf("coo"), tensor, 1).largestValue).toBe(0);
  });
});
