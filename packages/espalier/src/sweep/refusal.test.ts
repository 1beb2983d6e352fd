import { CoreError } from "@espalier/core";
import { RecoverError } from "@espalier/recover";
import { RunnerError } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { EspalierError } from "../errors.js";
import { refusalOf } from "./refusal.js";

const stopped = new RunnerError("run-failed", "out of memory");

describe("refusalOf", () => {
  it.each([
    new RunnerError("load-failed", "m"),
    new RunnerError("run-failed", "m"),
    new RecoverError("load-failed", "m"),
    new RecoverError("run-failed", "m"),
    new EspalierError("input", "m", { cause: stopped }),
  ])("may pass: %o", (error) => {
    expect(refusalOf(error)).toEqual({ reason: "m", passing: true });
  });

  it.each([
    new RunnerError("unsupported-type", "m"),
    new RecoverError("singular", "m"),
    new CoreError("invalid-pattern", "m"),
    new EspalierError("input", "m"),
  ])("is for good: %o", (error) => {
    expect(refusalOf(error)).toEqual({ reason: "m", passing: false });
  });

  it.each([new RecoverError("worker-failed", "m"), new EspalierError("output", "m"), new Error("m")])(
    "ends the sweep: %o",
    (error) => {
      expect(refusalOf(error)).toBeUndefined();
    },
  );
});
