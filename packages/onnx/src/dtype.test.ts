import { TensorProto_DataType as DataType, dtypeName, elementSize } from "@espalier/onnx";
import { describe, expect, it } from "vitest";

/** Every data type of onnx.proto, so that one added there is noticed here. */
const ALL = Object.values(DataType).filter((value): value is DataType => typeof value === "number");

describe("dtypeName", () => {
  it("names every data type of ONNX differently", () => {
    expect(new Set(ALL.map(dtypeName)).size).toBe(ALL.length);
    expect(dtypeName(DataType.FLOAT)).toBe("float32");
    expect(dtypeName(DataType.DOUBLE)).toBe("float64");
  });

  it("calls numbers that ONNX does not define undefined", () => {
    expect(dtypeName(9999)).toBe("undefined");
    expect(dtypeName(-1)).toBe("undefined");
  });
});

describe("elementSize", () => {
  it("is the size in raw_data, a fraction for types that share a byte", () => {
    const sizes = [
      DataType.BOOL,
      DataType.BFLOAT16,
      DataType.FLOAT,
      DataType.COMPLEX128,
      DataType.INT4,
      DataType.UINT2,
    ];
    expect(sizes.map(elementSize)).toEqual([1, 2, 4, 16, 0.5, 0.25]);
  });

  it("is defined for every type but undefined and string", () => {
    const refused = ALL.filter((type) => {
      try {
        return !(elementSize(type) > 0);
      } catch {
        return true;
      }
    });
    expect(refused).toEqual([DataType.UNDEFINED, DataType.STRING]);
  });

  it("refuses strings with a code", () => {
    expect(() => elementSize(DataType.STRING)).toThrow(expect.objectContaining({ code: "unsupported-dtype" }));
  });
});
