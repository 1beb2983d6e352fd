import { CoreError, isCoreError } from "@espalier/core";
import { describe, expect, it } from "vitest";

describe("CoreError", () => {
  it("carries its code and where it happened", () => {
    const error = new CoreError("not-finite", "the text", { weight: "w", index: 3 });
    expect(error).toBeInstanceOf(Error);
    expect({ ...error, message: error.message }).toEqual({
      name: "CoreError",
      message: "the text",
      code: "not-finite",
      weight: "w",
      index: 3,
      refusals: [],
    });
  });
});

describe("isCoreError", () => {
  it("accepts an error of another copy of the package", () => {
    const foreign = Object.assign(new Error("text"), { name: "CoreError", code: "not-finite" });
    expect(isCoreError(foreign)).toBe(true);
  });

  it("refuses other errors and values", () => {
    expect(isCoreError(Object.assign(new Error("text"), { code: "ENOENT" }))).toBe(false);
    expect(isCoreError(Object.assign(new Error("text"), { name: "CoreError" }))).toBe(false);
    expect(isCoreError({ name: "CoreError", code: "not-finite" })).toBe(false);
    expect(isCoreError(undefined)).toBe(false);
  });
});
