import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { type Outlook, outlook } from "espalier";
import { describe, expect, it } from "vitest";

/** x [rows, inputs] · w [inputs, outputs]. */
function product(inputs: number, outputs: number): Uint8Array {
  return buildModel({
    nodes: [node("MatMul", ["x", "w"], ["y"])],
    initializers: [tensor("w", [inputs, outputs], new Float32Array(inputs * outputs).fill(1))],
    inputs: [valueInfo("x", "float32", ["rows", inputs])],
    outputs: [valueInfo("y", "float32", ["rows", outputs])],
  });
}

const named = ({ prospects }: Outlook, start: string) => prospects.find(({ what }) => what.startsWith(start))!;

describe("outlook", () => {
  it("says no to zeros alone, whatever the runtime", () => {
    for (const target of ["ort-node", "ort-web"] as const) {
      expect(named(outlook(product(64, 64), target), "zeros")).toMatchObject({
        verdict: "no",
        size: 1,
        speedup: [1, 1],
      });
    }
  });

  it("computes the sizes of encodings from the shapes: 2:4 takes 2 1/12 of 4 bytes, half of the entries 2 1/8", () => {
    const model = product(768, 512);
    const expected = outlook(model, "ort-web");
    const rest = model.length - 4 * 768 * 512;
    const sizeOf = (bytes: number) => (rest + bytes * 768 * 512) / model.length;
    expect(named(expected, "2:4").size).toBeCloseTo(sizeOf(2 + 1 / 12), 12);
    expect(named(expected, "unstructured 50 %").size).toBeCloseTo(sizeOf(2 + 1 / 8), 12);
    expect(named(expected, "unstructured 80 %").size).toBeCloseTo(sizeOf(0.8 + 1 / 8), 12);
    expect(named(expected, "2:4").verdict).toBe("yes");
  });

  it("says no to 2:4 where no weight can be cut in fours", () => {
    const found = named(outlook(product(66, 512), "ort-web"), "2:4");
    expect(found).toMatchObject({ verdict: "no", size: 1, reason: expect.stringMatching(/^0 of 1 weights/) });
  });

  it("goes by what blocks were measured to gain: large products with many rows, and no small ones", () => {
    const large = named(outlook(product(768, 3072), "ort-node", 128), "blocks");
    expect(large.verdict).toBe("yes");
    expect(large.speedup[0]).toBeGreaterThan(1.2);
    expect(large.size).toBeCloseTo(0.5, 2);
    expect(named(outlook(product(64, 64), "ort-node", 128), "blocks")).toMatchObject({
      verdict: "no",
      speedup: [1, 1],
    });
  });

  it("refuses rows that are none", () => {
    expect(() => outlook(product(64, 64), "ort-node", 0)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("asks TensorRT's sizes: outputs in eights, inputs in sixteens, 256 channels for a gain", () => {
    expect(outlook(product(512, 512), "tensorrt").prospects[0]).toMatchObject({
      verdict: "maybe",
      speedup: [1.05, 1.27],
    });
    expect(outlook(product(512, 508), "tensorrt").prospects[0]!.reason).toMatch(
      /"w": its 508 outputs are no multiple of 8/,
    );
    expect(outlook(product(520, 512), "tensorrt").prospects[0]!.reason).toMatch(
      /520 input channels are no multiple of 16/,
    );
    const small = outlook(product(128, 128), "tensorrt").prospects[0]!;
    expect(small).toMatchObject({
      verdict: "no",
      reason: expect.stringMatching(/1 of 1 weights have the sizes, 0 of them/),
    });
    expect(outlook(product(512, 512), "tensorrt").prospects[1]).toMatchObject({
      what: "any other pattern",
      verdict: "no",
    });
  });
});
