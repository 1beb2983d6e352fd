import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "@espalier/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CarriedValues } from "./carried-values.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-carried-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const TENSORS: Record<string, Tensor> = {
  float32: { dtype: "float32", dims: [2, 1], data: Float32Array.of(1.5, -0) },
  float16: { dtype: "float16", dims: [3], data: Uint16Array.of(1, 2, 3) },
  int64: { dtype: "int64", dims: [], data: BigInt64Array.of(-7n) },
  bool: { dtype: "bool", dims: [1, 3], data: Uint8Array.of(1, 0, 1) },
  empty: { dtype: "float32", dims: [0, 4], data: new Float32Array(0) },
  string: { dtype: "string", dims: [2], data: ["a", "bc"] },
};
const BYTES = 8 + 6 + 8 + 3 + 0 + 6;

describe("CarriedValues", () => {
  it.each([0, 10, 1000])("gives back what was added, with %i bytes of memory", async (memory) => {
    const carried = new CarriedValues(folder, memory);
    await carried.add(0, TENSORS);
    expect(await carried.read(0, Object.keys(TENSORS))).toEqual(TENSORS);
    expect(carried.peak).toBe(BYTES);
    expect([...carried.types()]).toEqual(
      Object.entries(TENSORS).map(([name, { dtype, dims }]) => [name, expect.objectContaining({ dtype, dims })]),
    );
  });

  it("writes what exceeds the memory to files, texts aside, and removes them with the values", async () => {
    const carried = new CarriedValues(folder, 0);
    await carried.add(0, TENSORS);
    expect(readdirSync(folder)).toHaveLength(Object.keys(TENSORS).length - 2);
    await carried.keep(0, (name) => name === "bool");
    expect(readdirSync(folder)).toHaveLength(1);
    expect(await carried.read(0, ["bool"])).toEqual({ bool: TENSORS.bool });
    await carried.add(1, { more: TENSORS.int64! });
    expect(carried.peak).toBe(BYTES);
  });

  it("takes values into memory again when others have left it", async () => {
    const carried = new CarriedValues(folder, 8);
    await carried.add(0, { a: TENSORS.float32! });
    await carried.keep(0, () => false);
    await carried.add(0, { b: TENSORS.int64! });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("says where it cannot write or read", async () => {
    const carried = new CarriedValues(join(folder, "missing"), 0);
    await expect(carried.add(0, TENSORS)).rejects.toMatchObject({ code: "write-failed" });
    const other = new CarriedValues(folder, 0);
    await other.add(0, { a: TENSORS.float32! });
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    await expect(other.read(0, ["a"])).rejects.toMatchObject({ code: "read-failed" });
  });
});
