import { describe, expect, test } from "vitest";
import { progressText } from "./progress-line.js";

describe("progressText", () => {
  test("gives rate and time left", () => {
    expect(progressText({ phase: "masks", done: 3, total: 10, item: "w" }, 1.5)).toBe(
      "masks 3/10, 2.0/s, 4 s left (w)",
    );
  });

  test("says nothing about the rate before anything is done", () => {
    expect(progressText({ phase: "write", done: 0, total: 2 }, 1)).toBe("write 0/2");
  });
});
