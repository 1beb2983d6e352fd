import { isRunnerError, RunnerError } from "@espalier/runtime";
import { describe, expect, it } from "vitest";

describe("isRunnerError", () => {
  it("knows its own errors, all of them or those of one code", () => {
    const error = new RunnerError("closed", "text", { cause: "why" });
    expect(isRunnerError(error)).toBe(true);
    expect(isRunnerError(error, "closed")).toBe(true);
    expect(isRunnerError(error, "run-failed")).toBe(false);
    expect(error.cause).toBe("why");
  });

  it("knows errors of another copy of the package", () => {
    const foreign = Object.assign(new Error("text"), { name: "RunnerError", code: "closed" });
    expect(foreign instanceof RunnerError).toBe(false);
    expect(isRunnerError(foreign, "closed")).toBe(true);
  });

  it.each([
    [new Error("x")],
    [Object.assign(new Error("x"), { code: "closed" })],
    [{ name: "RunnerError", code: "closed" }],
    [undefined],
  ])("does not take %o for one", (value) => expect(isRunnerError(value)).toBe(false));
});
