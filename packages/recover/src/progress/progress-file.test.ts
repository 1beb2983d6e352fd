import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { RecoverError } from "../recover-error.js";
import type { LayerSolution } from "../solve/layer-task.js";
import { ProgressFile } from "./progress-file.js";

const folder = mkdtempSync(join(tmpdir(), "espalier-progress-"));
afterAll(() => rmSync(folder, { recursive: true }));

const solution = (value: number): LayerSolution => ({
  mask: { length: 3, bits: Uint8Array.of(5) },
  values: Float32Array.of(value, 0, Math.PI),
  biasChange: Float64Array.of(0.1, -0),
  report: { warnings: ["few samples"] } as unknown as LayerSolution["report"],
});

let files = 0;
function written(): string {
  const path = join(folder, `${files++}.progress`);
  const file = ProgressFile.open(path, "run a", false);
  file.add({ attempt: 0, weight: "W" }, solution(1));
  file.add({ attempt: 1, weight: "W" }, solution(2));
  file.close();
  return path;
}
function failure(work: () => unknown): RecoverError {
  try {
    work();
  } catch (error) {
    if (error instanceof RecoverError) return error;
  }
  throw new Error("it did not fail as expected");
}

describe("ProgressFile", () => {
  it("gives solutions back bit for bit, by attempt and weight", () => {
    const file = ProgressFile.open(written(), "run a", true);
    expect(file.size).toBe(2);
    expect(file.find({ attempt: 1, weight: "W" })).toEqual(solution(2));
    expect(file.find({ attempt: 2, weight: "W" })).toBeUndefined();
    file.close();
  });

  it("cuts off what a kill left of the last record, wherever it struck, and goes on from there", () => {
    const whole = readFileSync(written());
    const first = 4 + whole.readUInt32LE(0);
    const second = first + 4 + whole.readUInt32LE(first);
    for (const size of [second, second + 1, second + 4, whole.length - 1]) {
      const path = written();
      truncateSync(path, size);
      const file = ProgressFile.open(path, "run a", true);
      expect(file.size).toBe(1);
      file.add({ attempt: 1, weight: "W" }, solution(2));
      file.close();
      expect(readFileSync(path)).toEqual(whole);
    }
  });

  it("refuses the progress of another run and files that are something else, and leaves them as they are", () => {
    const path = written();
    const before = readFileSync(path);
    expect(failure(() => ProgressFile.open(path, "run b", true)).message).toMatch(/another run/);
    expect(readFileSync(path)).toEqual(before);
    for (const content of ["", "text that is no progress file at all", Buffer.from([255, 255, 255, 255, 1])]) {
      writeFileSync(path, content);
      expect(failure(() => ProgressFile.open(path, "run a", true)).code).toBe("bad-option");
      expect(readFileSync(path)).toEqual(Buffer.from(content));
    }
  });

  it("starts anew without resume, and where there is nothing to go on with", () => {
    const path = written();
    const again = ProgressFile.open(path, "run b", false);
    expect(again.size).toBe(0);
    again.close();
    const none = ProgressFile.open(join(folder, "none"), "run a", true);
    expect(none.size).toBe(0);
    none.remove();
    expect(() => readFileSync(join(folder, "none"))).toThrow(/ENOENT/);
  });

  it("says when it cannot be written", () => {
    expect(failure(() => ProgressFile.open(join(folder, "no/such/folder"), "run", false)).code).toBe("write-failed");
  });

  it("refuses a whole record that is no solution", () => {
    const path = written();
    appendFileSync(path, Buffer.from([1, 0, 0, 0, 0xc1]));
    expect(failure(() => ProgressFile.open(path, "run a", true)).code).toBe("bad-option");
  });
});
