import { createHash } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import { computeMasks, l1, nm } from "@espalier/core";
import { applyMasks, encodeWeights } from "@espalier/export";
import { decodeModel, encodeModel, type Model, prunableWeights } from "@espalier/onnx";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import {
  type Certificate,
  encodeCertificate,
  issueCertificate,
  parseCertificate,
  type Verification,
  verifyCertified,
  verifyPruned,
} from "@espalier/verify";
import { describe, expect, it } from "vitest";

interface Matrix {
  readonly name?: string;
  /** Row-major [K, N], or [N, K] where it is read transposed. */
  readonly values: Float32Array;
  readonly transposed?: boolean;
  /** Stored as int8 with one scale. */
  readonly quantised?: boolean;
}

const [K, N] = [8, 4];

/** x [batch, 8] → one product with a [8, 4] weight, however it is stored. */
function product({ name = "W", values, transposed = false, quantised = false }: Matrix): Model {
  const dims = transposed ? [N, K] : [K, N];
  const stored = quantised ? `${name}_quantized` : name;
  const scale = 2 / 127;
  return decodeModel(
    buildModel({
      nodes: [
        ...(quantised ? [node("DequantizeLinear", [stored, "scale"], [name])] : []),
        node("Gemm", ["x", name], ["y"], { transB: transposed ? 1 : 0 }),
      ],
      initializers: [
        quantised
          ? tensor(
              stored,
              dims,
              Int8Array.from(values, (value) => Math.round(value / scale)),
            )
          : tensor(stored, dims, values),
        ...(quantised ? [tensor("scale", [], Float32Array.of(scale))] : []),
      ],
      inputs: [valueInfo("x", "float32", ["batch", K])],
      outputs: [valueInfo("y", "float32", ["batch", N])],
    }),
  );
}

const VALUES = random(7).float32(K * N);
const original = product({ values: VALUES });
const pruned = prune(original);
const prunedValues = valuesOf(pruned);

function prune(model: Model): Model {
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  const run = { criterion: l1(), pattern: nm(2, 4) };
  const masks = new Map([...computeMasks(weights, run)].map(([name, { mask }]) => [name, mask]));
  return decodeModel(encodeModel(applyMasks(model, weights, masks, { tool: "test 1", ...run })));
}

function valuesOf(model: Model): Float32Array {
  const [weight] = prunableWeights(model).filter((one) => one.prunable);
  return weight!.read() as Float32Array;
}

const transpose = (values: Float32Array): Float32Array =>
  Float32Array.from({ length: K * N }, (_, index) => values[(index % K) * N + Math.floor(index / K)]!);

const certificate = async (): Promise<Certificate> => {
  const verification = await verifyPruned({ original, pruned });
  return parseCertificate(
    encodeCertificate(await issueCertificate({ original, pruned, verification, versions: { test: "1" } })),
  );
};

const checkOf = ({ checks }: Verification) => checks.find(({ name }) => name === "certificate")!;

describe("issueCertificate", () => {
  it("holds each pruned weight's digests and mask in matrix order, the record's steps and the verdict", async () => {
    const issued = await certificate();
    const [weight] = issued.weights;
    const matrix = transpose(prunedValues); // a Gemm's [K, N], seen as [out, in]
    const digest = (values: Float32Array) =>
      `sha256:${createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex")}`;
    expect(weight).toMatchObject({ name: "W", outChannels: N, inFeatures: K, zeros: 16 });
    expect(weight).toMatchObject({ original: digest(transpose(VALUES)), pruned: digest(matrix) });
    const bits = inflateRawSync(Buffer.from(weight!.mask, "base64"));
    for (const [index, value] of matrix.entries())
      expect((bits[index >> 3]! >> (index & 7)) & 1).toBe(value === 0 ? 0 : 1);
    expect(issued.steps).toMatchObject([{ criterion: "l1", pattern: "2:4" }]);
    expect(issued.verification.status).toBe("passed");
    expect(issued.versions).toEqual({ test: "1" });
  });

  it("reads encoded weights in the backend that is given", async () => {
    const encoded = encodeWeights(pruned, new Map([["W", { encoding: "gap" }]]));
    const models = { original, pruned: decodeModel(encodeModel(encoded)) };
    const request = { ...models, verification: await verifyPruned(models), versions: { test: "1" } };
    const { weights } = await certificate();
    expect((await issueCertificate({ ...request, backend: "web" })).weights).toEqual(weights);
    await expect(issueCertificate({ ...request, backend: "no such" as "web" })).rejects.toThrow("no such");
  });

  it("refuses a model that failed", async () => {
    const verification = await verifyPruned({ original, pruned, minSparsity: 0.9 });
    const request = { original, pruned, verification, versions: {} };
    await expect(issueCertificate(request)).rejects.toThrow(expect.objectContaining({ code: "not-passed" }));
  });
});

describe("verifyCertified", () => {
  it("finds the certified model as it was", async () => {
    const { status, checks } = verifyCertified(pruned, await certificate());
    expect(status).toBe("passed");
    expect(checks[0]!.message).toBe("all certified masks hold: 1 weight exactly as certified");
  });

  it("knows a weight under another name and in another layout", async () => {
    const touched = product({ name: "fused_7", values: transpose(prunedValues), transposed: true });
    const { status, checks } = verifyCertified(touched, await certificate());
    expect(status).toBe("passed");
    expect(checks[0]!.figures).toMatchObject({ weights: [{ name: "W", found: "fused_7", status: "same" }] });
  });

  it("says that a quantiser moved values and kept the zeros", async () => {
    const touched = product({ values: prunedValues, quantised: true });
    const { status, checks } = verifyCertified(touched, await certificate());
    expect(status).toBe("passed");
    expect(checks[0]!.figures).toMatchObject({ weights: [{ found: "W_quantized", status: "moved", broken: 0 }] });
    expect(checks[0]!.message).toContain('with other values and the same zeros ("W")');
  });

  it.each([
    { op: "MatMulInteger", inputs: ["q", "W_quantized", "", "zero"] },
    { op: "QLinearMatMul", inputs: ["q", "one", "zero", "W_quantized", "one", "zero", "one", "zero"] },
  ])("reads the weight of $op, whose zeros are its zero point", async ({ op, inputs }) => {
    const stored = Uint8Array.from(prunedValues, (value) => 128 + Math.round(value * 60));
    const quantised = (values: Uint8Array) =>
      decodeModel(
        buildModel({
          nodes: [node(op, inputs, ["y"])],
          initializers: [
            tensor("W_quantized", [K, N], values),
            tensor("zero", [], Uint8Array.of(128)),
            tensor("one", [], Float32Array.of(1)),
          ],
          inputs: [valueInfo("q", "uint8", ["batch", K])],
          outputs: [valueInfo("y", op === "MatMulInteger" ? "int32" : "uint8", ["batch", N])],
        }),
      );
    const { checks } = verifyCertified(quantised(stored), await certificate());
    expect(checks[0]!.figures).toMatchObject({ weights: [{ found: "W_quantized", status: "moved", broken: 0 }] });
    // All bytes 0, which is not the zero point, are 16 broken zeros: no weight of the model has them.
    const { status } = verifyCertified(quantised(new Uint8Array(K * N)), await certificate());
    expect(status).toBe("failed");
  });

  it("names the first certified zero that is none any more", async () => {
    const values = prunedValues.slice();
    const at = values.indexOf(0);
    values[at] = 2 ** -149;
    const { status, checks } = verifyCertified(product({ values }), await certificate());
    expect(status).toBe("failed");
    const place = `out channel ${at % N}, in-feature ${Math.floor(at / N)}`;
    expect(checks[0]!.message).toContain(`weight "W": 1 certified zero not zero, first at ${place}`);
  });

  it("does not take another weight of the same size for it", async () => {
    const stranger = product({ name: "other", values: random(8).float32(K * N) });
    const { status, checks } = verifyCertified(stranger, await certificate());
    expect(status).toBe("failed");
    expect(checks[0]!.figures).toMatchObject({ weights: [{ found: null, status: "missing", broken: 16 }] });
    expect(checks[0]!.message).toMatch(/"W" is not there: none of its size has its zeros.*give both models$/);
  });
});

describe("the check certificate", () => {
  it("runs only when asked for, and passes for the models that were certified", async () => {
    expect(checkOf(await verifyPruned({ original, pruned }))).toBeUndefined();
    expect(checkOf(await verifyPruned({ original, pruned, certificate: await certificate() })).status).toBe("passed");
  });

  it("sees that the original is another one", async () => {
    const other = product({ values: VALUES.map((value) => value * (1 + 2 ** -23)) });
    const check = checkOf(await verifyPruned({ original: other, pruned, certificate: await certificate() }));
    expect(check).toMatchObject({
      status: "failed",
      message: expect.stringMatching(/another original: weight "W" differs/),
    });
  });
});

describe("parseCertificate", () => {
  const refused = (text: string, what: RegExp) =>
    expect(() => parseCertificate(text)).toThrow(
      expect.objectContaining({ code: "bad-certificate", message: expect.stringMatching(what) }),
    );

  it("refuses what is cut off, something else, or newer", async () => {
    const text = encodeCertificate(await certificate());
    refused(text.slice(0, -20), /cut off/);
    refused("[]", /kind/);
    refused(text.replace('"version": 1', '"version": 2'), /version 1, found 2/);
    refused(text.replace(/"original": "sha256:[0-9a-f]{4}/, `"original": "sha256:`), /digest/);
    refused(text.replace('"outChannels": 4', '"outChannels": -4'), /size/);
  });

  it("leads to an error where a mask does not hold as many bits as the weight has entries", async () => {
    const issued = await certificate();
    const [weight] = issued.weights;
    const bomb = { ...issued, weights: [{ ...weight!, mask: Buffer.from("not deflate").toString("base64") }] };
    expect(() => verifyCertified(pruned, parseCertificate(encodeCertificate(bomb)))).toThrow(/mask of weight "W"/);
  });
});
