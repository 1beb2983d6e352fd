import { isOnnxError, OnnxError } from "@espalier/onnx";
import { describe, expect, it } from "vitest";

describe("OnnxError", () => {
  it("carries code, offset, path and cause", () => {
    const cause = new Error("disk");
    const error = new OnnxError("truncated", "cut", { offset: 7, path: "a.onnx", cause });
    expect({ ...error, message: error.message, cause: error.cause }).toEqual({
      name: "OnnxError",
      code: "truncated",
      offset: 7,
      path: "a.onnx",
      message: "cut",
      cause,
    });
  });

  it("has no offset and no path when it is about neither", () => {
    expect(Object.keys(new OnnxError("malformed", "bad"))).not.toContain("offset");
    expect(Object.keys(new OnnxError("malformed", "bad"))).not.toContain("path");
  });
});

describe("isOnnxError", () => {
  it("knows errors of another copy of the package", () => {
    const foreign = Object.assign(new Error("cut"), { name: "OnnxError", code: "truncated" });
    expect(isOnnxError(foreign)).toBe(true);
    expect(isOnnxError(new OnnxError("malformed", "bad"))).toBe(true);
  });

  it("does not take other errors or plain objects for one", () => {
    expect(isOnnxError(Object.assign(new Error("x"), { code: "truncated" }))).toBe(false);
    expect(isOnnxError({ name: "OnnxError", code: "truncated" })).toBe(false);
    expect(isOnnxError(undefined)).toBe(false);
  });
});
