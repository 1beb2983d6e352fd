import { describe, expect, it } from "vitest";
import { failure } from "../../test/failure.js";
import { checkSample } from "./check-sample.js";

describe("checkSample", () => {
  const inputs = [
    { name: "ids", dtype: "int64", dims: [1, "seq"] },
    { name: "image", dtype: "float32", dims: ["n", 3] },
  ] as const;
  const ids = { dtype: "int64", dims: [1, 2], data: BigInt64Array.of(1n, 2n) } as const;
  const image = { dtype: "float32", dims: [1, 3], data: new Float32Array(3) } as const;
  const check = (value: unknown) => failure(() => checkSample(value, inputs, 7));

  it.each([
    ["a missing input", { ids }, /image.*every input.*none/],
    ["an unknown input", { ids, image, more: image }, /no input "more"/],
    ["another rank", { ids, image: { ...image, dims: [3] } }, /image.*\[3\]/],
    ["another fixed size", { ids, image: { ...image, dims: [1, 4], data: new Float32Array(4) } }, /image.*\[1, 4\]/],
    ["another dtype", { ids: { ...ids, dtype: "int32", data: new Int32Array(2) }, image }, /ids.*int64.*int32/],
    ["too few elements", { ids, image: { ...image, data: new Float32Array(2) } }, /image.*3 elements.*2/],
    ["an array that does not go with the dtype", { ids: { ...ids, data: [1, 2] }, image }, /ids.*BigInt64Array.*Array/],
    ["no tensor", { ids, image: 5 }, /image/],
    ["a tensor that is null", { ids, image: null }, /image/],
    ["nothing", null, /no object/],
    ["a number", 5, /no object/],
  ])("refuses %s, by the index of the sample", (_, value, text) => {
    const error = check(value);
    expect(error).toMatchObject({ code: "bad-sample", context: { sample: 7 } });
    expect(error.message).toMatch(/^Sample 7: /);
    expect(error.message).toMatch(text);
  });

  it("takes any number of rows", () => {
    const two = { ids: { ...ids, dims: [2, 1] }, image: { ...image, dims: [2, 3], data: new Float32Array(6) } };
    expect(checkSample(two, inputs, 0)).toEqual(two);
  });

  it("fills in a dtype that is left out, since the model knows it", () => {
    const { dtype: _, ...untyped } = image;
    expect(checkSample({ ids, image: untyped }, inputs, 0)).toEqual({ ids, image });
  });
});
