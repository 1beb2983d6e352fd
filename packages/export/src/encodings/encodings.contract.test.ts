import { encodedSize, encodeWeights } from "@espalier/export";
import {
  decodeModel,
  elementSize,
  encodeModel,
  type Model,
  modelSize,
  type PrunableWeight,
  prunableWeights,
  tensorBytes,
  walkTensors,
} from "@espalier/onnx";
import { openRunner } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { type Parts, REFERENCE_DECODERS } from "../../test-support/reference-decoders.js";
import { WEIGHT_CASES, type WeightCase, weightModel, withWeightAsOutput } from "../../test-support/weight-cases.js";
import { ENCODINGS } from "./encodings.js";
import { VALUE_FORMATS } from "./values/value-formats.js";

const SESSIONS = [
  { backend: "node", optimization: "disabled" },
  { backend: "node", optimization: "basic" },
  { backend: "node", optimization: "all" },
  { backend: "web", optimization: "disabled" },
  { backend: "web", optimization: "all" },
] as const;

const weightOf = (model: Model) => prunableWeights(model).find(({ name }) => name === "W") as PrunableWeight;

async function decodedBy(model: Model, session: (typeof SESSIONS)[number]): Promise<Uint8Array> {
  const runner = await openRunner(encodeModel(model), session);
  try {
    const { decoded } = await runner.run({});
    const { buffer, byteOffset, byteLength } = decoded!.data as Float32Array;
    return new Uint8Array(buffer, byteOffset, byteLength);
  } finally {
    await runner.close();
  }
}

/** The data of the weight's own decoder, by the last part of the name; of a sparse tensor by what it is. */
function partsOf(model: Model): Parts {
  return new Map(
    [...walkTensors(model.proto)].flatMap(({ tensor, role }) => {
      const own = tensor.name === "W" || tensor.name === "W_indices" || tensor.name.includes("/weights/W/");
      if (!own) return [];
      const last = tensor.name.slice(tensor.name.lastIndexOf("/") + 1);
      const part = role === "sparse-indices" ? "indices" : last === "W" ? "values" : last;
      return [[part, tensorBytes(model, tensor)] as const];
    }),
  );
}

/** The elements that the encoding stored, turned into the weight as docs/export-formats.md says. */
function converted(stored: Uint8Array<ArrayBuffer>, values: string, parts: Parts, weight: PrunableWeight): Uint8Array {
  if (values === "exact") return stored;
  if (values === "float16") return new Uint8Array(typed(weight, Array.from(new Float16Bits(stored).values())).buffer);
  const scales = new Float32Array(parts.get("scales")!.buffer);
  const channels = channelsOf(weight);
  const products = Array.from(new Int8Array(stored.buffer), (integer, index) =>
    Math.fround(integer * scales[channels[index]!]!),
  );
  return new Uint8Array(typed(weight, products).buffer);
}

class Float16Bits {
  readonly #bits: Uint16Array;
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bits = new Uint16Array(bytes.buffer);
  }
  *values(): Generator<number> {
    for (const bits of this.#bits) {
      const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
      const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      yield bits >> 15 ? -size : size;
    }
  }
}

function typed({ dtype }: PrunableWeight, values: readonly number[]): Float32Array | Float64Array {
  return dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values);
}

function channelsOf(weight: PrunableWeight): number[] {
  const total = weight.shape.reduce((product, size) => product * size, 1);
  return Array.from({ length: total }, (_, index) => {
    let rest = index;
    let channel = 0;
    for (const { role, size, step } of [...weight.axes].reverse()) {
      if (role === "out") channel += (rest % size) * step;
      rest = Math.floor(rest / size);
    }
    return channel;
  });
}

/** Nothing may move by more than the format says. */
function expectClose(decoded: Uint8Array, values: string, parts: Parts, weight: PrunableWeight): void {
  const original = weight.read();
  const after = typed(weight, [
    ...(weight.dtype === "float64" ? f64(decoded) : new Float32Array(decoded.slice().buffer)),
  ]);
  const scales = values === "int8" ? new Float32Array(parts.get("scales")!.buffer) : undefined;
  const channels = channelsOf(weight);
  for (let index = 0; index < original.length; index++) {
    const value = original[index]!;
    // Half a unit in the last place of float16, of normals and of subnormals; half a scale, and the rounding of the product.
    const bound = scales ? scales[channels[index]!]! * 0.5001 : Math.max(Math.abs(value) * 2 ** -11, 2 ** -25);
    expect(Math.abs(after[index]! - value)).toBeLessThanOrEqual(bound);
    if (value === 0) expect(Object.is(after[index], 0)).toBe(true);
  }
}

const f64 = (bytes: Uint8Array) => new Float64Array(bytes.slice().buffer);

/** What an encoding or a value format may refuse, and the words it does so with. */
function allowedRefusal(encoding: string, values: string, one: WeightCase): RegExp | undefined {
  const isSpecial = one.name.startsWith("−0");
  if (values === "float16" && isSpecial) return /beyond ±65504/;
  if (values === "int8" && isSpecial) return /not finite/;
  if (values === "float16" && /^(float16|int8)$/.test(one.name)) return /float16 does not make smaller/;
  if (values === "int8" && one.name === "int8") return /not floats/;
  if (encoding === "nm") return /fit no N:M pattern/;
  return undefined;
}

for (const encoding of ENCODINGS) {
  for (const format of VALUE_FORMATS) {
    describe(`${encoding.name} with ${format.name} values`, () => {
      it.each(WEIGHT_CASES.map((one) => [one.name, one] as const))("comes back as it was: %s", async (_, one) => {
        const model = decodeModel(weightModel(one));
        const weight = weightOf(model);
        const choice = { encoding: encoding.name, values: format.name };
        const size = encodedSize(model, weight, choice);
        if ("refused" in size) {
          expect(size.refused).toMatch(allowedRefusal(encoding.name, format.name, one)!);
          return;
        }
        const encoded = encodeWeights(model, new Map([["W", choice]]));
        const parts = partsOf(encoded);
        const stored = [...parts].reduce((sum, [, bytes]) => sum + bytes.length, 0);
        expect(stored).toBe(size.bytes);
        const width = format.name === "exact" ? elementSize(weight.tensor.dataType) : format.name === "int8" ? 1 : 2;
        const elements = REFERENCE_DECODERS[encoding.name]!(parts, width, weight, size.form);
        const expected = converted(elements, format.name, parts, weight);
        if (size.exact) expect(expected).toEqual(tensorBytes(model, weight.tensor));
        else if (weight.dtype !== "float16") expectClose(expected, format.name, parts, weight);
        for (const session of SESSIONS) {
          const decoded = await decodedBy(withWeightAsOutput(encoded, one), session);
          if (weight.dtype === "float16" && !size.exact) expect(decoded.length).toBe(144);
          else expect(Buffer.compare(decoded, expected), JSON.stringify(session)).toBe(0);
        }
      });
    });
  }
}

describe("encodings", () => {
  it("hold every case exactly, but N:M where there is no such pattern", () => {
    const refusals = WEIGHT_CASES.flatMap((one) => {
      const model = decodeModel(weightModel(one));
      const plans = ENCODINGS.map(
        ({ name }) => [name, encodedSize(model, weightOf(model), { encoding: name })] as const,
      );
      return plans.filter(([, plan]) => "refused" in plan).map(([name]) => `${name}: ${one.name}`);
    });
    expect(refusals.filter((one) => !one.startsWith("nm: "))).toEqual([]);
    expect(refusals).not.toContain("nm: 2:4 along K, 216 patterns");
    expect(refusals).not.toContain("nm: 2:4 across two axes of a reshaped weight");
    expect(refusals).not.toContain("nm: Conv 3x3 with 2:4 input channels");
    expect(refusals).not.toContain("nm: ConvTranspose in 2 groups, 2:4");
    expect(refusals).toContain("nm: no zero, 4x4");
  });

  it("write exactly the bytes they announce", () => {
    const model = decodeModel(weightModel(WEIGHT_CASES.find(({ name }) => name.startsWith("24x16"))!));
    const encoded = encodeWeights(model, new Map([["W", { encoding: "bitmask" }]]));
    expect(modelSize(encoded)).toBe(encodeModel(encoded).length);
  });
});
