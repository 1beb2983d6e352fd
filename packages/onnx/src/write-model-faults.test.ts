import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, externalTensor } from "@espalier/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { decodeModel } from "../src/decode-model.js";
import { withTensorData } from "../src/with-tensor-data.js";
import { writeModel } from "../src/write-model.js";

// A full disk and a lost permission cannot be had on every machine (tests may run as root): the calls fail on demand.
vi.mock("node:fs", async (original) => {
  const real = await original<typeof fs>();
  const { openSync, writeSync, fsyncSync, renameSync } = real;
  return {
    ...real,
    openSync: vi.fn(openSync),
    writeSync: vi.fn(writeSync),
    fsyncSync: vi.fn(fsyncSync),
    renameSync: vi.fn(renameSync),
  };
});

/** The calls that are made to fail, without their overloads. */
const CALLS: Readonly<Record<string, ReturnType<typeof vi.fn<(...values: never[]) => unknown>>>> = {
  open: vi.mocked<(...values: never[]) => unknown>(fs.openSync),
  write: vi.mocked<(...values: never[]) => unknown>(fs.writeSync),
  sync: vi.mocked<(...values: never[]) => unknown>(fs.fsyncSync),
  rename: vi.mocked<(...values: never[]) => unknown>(fs.renameSync),
};

let folder: string;
let path: string;

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "espalier-faults-"));
  path = join(folder, "model.onnx");
  fs.writeFileSync(path, "old");
});

afterEach(() => {
  vi.resetAllMocks();
  fs.rmSync(folder, { recursive: true });
});

/** Writes a model that takes two files: edited data, then the model. */
function writeTwoFiles(): void {
  const weight = externalTensor("w", [2], "float32", { location: "w.bin", offset: 0, length: 8 });
  const bytes = buildModel({ nodes: [], initializers: [weight] });
  const model = decodeModel(bytes, { externalData: new Map([["w.bin", new Uint8Array(8)]]) });
  const edits = new Map([[model.proto.graph!.initializer[0]!, () => new Uint8Array(8).fill(1)]]);
  writeModel(withTensorData(model, edits), path);
}

/** Makes the call with that number, counted from 0, fail as the system would. */
function failAt(call: string, failing: number, code: string): void {
  const mock = CALLS[call]!;
  const real = mock.getMockImplementation()!;
  let count = 0;
  mock.mockImplementation((...values) => {
    if (count++ === failing) throw Object.assign(new Error(`${code}: system text`), { code });
    return real(...values);
  });
}

describe("writeModel on a file system that fails", () => {
  const failures = [
    ["open", "EACCES", "permission denied"],
    ["open", "EROFS", "the file system is read-only"],
    ["write", "ENOSPC", "no space is left on the device"],
    ["sync", "EIO", "EIO: system text"],
    ["rename", "EPERM", "permission denied"],
  ] as const;
  const cases = failures.flatMap(([call, code, message]) => [0, 1].map((file) => [call, code, file, message] as const));

  it.each(cases)("leaves the old file and no other when %s fails with %s at file %i", (call, code, file, message) => {
    failAt(call, file, code);
    const refusal = { name: "OnnxError", code: "write-failed", message: expect.stringContaining(message) };
    expect(writeTwoFiles).toThrow(expect.objectContaining({ ...refusal, cause: expect.objectContaining({ code }) }));
    expect(fs.readdirSync(folder)).toEqual(["model.onnx"]);
    expect(fs.readFileSync(path, "utf8")).toBe("old");
  });

  it("goes on after a write that took only a part", () => {
    const real = CALLS.write!.getMockImplementation() as (...values: unknown[]) => number;
    CALLS.write!.mockImplementation((file: unknown, bytes: unknown, at: unknown, length: number) =>
      real(file, bytes, at, Math.min(length, 3)),
    );
    writeTwoFiles();
    expect([...fs.readFileSync(join(folder, "w.bin"))]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });
});
