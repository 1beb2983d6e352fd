import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Model, readModel, tensorBytes } from "@espalier/onnx";
import { buildModel, externalTensor, tensor } from "@espalier/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let folder: string;
let path: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "espalier-read-")), "model");
  mkdirSync(folder);
  path = join(folder, "model.onnx");
});

afterEach(() => rmSync(join(folder, ".."), { recursive: true }));

const DATA = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

/** Writes a model whose only initializer is external, 2 floats unless said otherwise. */
function writeExternal(location: string, entries: Record<string, string> = { offset: "4", length: "8" }): void {
  const weight = externalTensor("w", [2], "float32", { location, offset: 0, length: 0 });
  const [first] = weight.externalData;
  weight.externalData = Object.entries({ location, ...entries }).map(([key, value]) => ({ ...first!, key, value }));
  writeFileSync(path, buildModel({ nodes: [], initializers: [weight] }));
}

function weightOf(model: Model): Uint8Array {
  return tensorBytes(model, model.proto.graph!.initializer[0]!);
}

const readWeight = () => weightOf(readModel(path));
const failure = (code: string) => expect.objectContaining({ name: "OnnxError", code });

describe("readModel", () => {
  it("reads tensor data when it is asked for", () => {
    writeFileSync(path, buildModel({ nodes: [], initializers: [tensor("w", [2], Float32Array.of(5, 6))] }));
    expect(readWeight()).toEqual(new Uint8Array(Float32Array.of(5, 6).buffer));
  });

  it("does not depend on the working folder after the model was read", () => {
    writeFileSync(path, buildModel({ nodes: [], initializers: [tensor("w", [2], Float32Array.of(5, 6))] }));
    const before = process.cwd();
    try {
      process.chdir(folder);
      const model = readModel("model.onnx");
      process.chdir("/");
      expect(weightOf(model).length).toBe(8);
    } finally {
      process.chdir(before);
    }
  });

  it("says which file is damaged and where", () => {
    writeFileSync(path, Uint8Array.of(0x3a, 100, 0));
    expect(() => readModel(path)).toThrow(expect.objectContaining({ code: "truncated", path, offset: 1 }));
    expect(() => readModel(path)).toThrow(`${path}: the file ends at byte 3`);
  });

  it("says which file is no model", () => {
    writeFileSync(path, "a text");
    expect(() => readModel(path)).toThrow(expect.objectContaining({ code: "not-onnx", path }));
    expect(() => readModel(path)).toThrow(`${path}: this is no ONNX model: it is text that starts with "a text"`);
  });

  it.each([
    ["a file that is not there", () => join(folder, "missing.onnx"), "there is no such file"],
    ["a folder", () => folder, "no regular file"],
    ["a device", () => "/dev/null", "no regular file"],
  ])("refuses %s", (_, target, message) => {
    expect(() => readModel(target())).toThrow(failure("read-failed"));
    expect(() => readModel(target())).toThrow(message);
  });

  it("refuses a FIFO without waiting for a writer", () => {
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    expect(() => readModel(path)).toThrow(failure("read-failed"));
  });

  it("notices that the file was changed or replaced", () => {
    const bytes = buildModel({ nodes: [], initializers: [tensor("w", [2], Float32Array.of(5, 6))] });
    writeFileSync(path, bytes);
    utimesSync(path, 1000, 1000);
    const model = readModel(path);
    copyFileSync(path, `${path}.other`);
    utimesSync(`${path}.other`, 1000, 1000); // same bytes, same size, same time: only the file is another
    renameSync(`${path}.other`, path);
    expect(() => weightOf(model)).toThrow(failure("changed"));
    const again = readModel(path);
    appendFileSync(path, Uint8Array.of(0));
    expect(() => weightOf(again)).toThrow(failure("changed"));
  });
});

describe("external data of readModel", () => {
  it("is read from its place in its file", () => {
    writeFileSync(join(folder, "w.bin"), DATA);
    writeExternal("w.bin");
    expect(readWeight()).toEqual(DATA.slice(4, 12));
  });

  it("starts at 0 and is as long as the dims say when the entries do not tell", () => {
    writeFileSync(join(folder, "w.bin"), DATA);
    writeExternal("w.bin", {});
    expect(readWeight()).toEqual(DATA.slice(0, 8));
  });

  it("may be in a folder below, behind a detour, or behind a link that stays inside", () => {
    mkdirSync(join(folder, "data"));
    writeFileSync(join(folder, "data", "w.bin"), DATA);
    symlinkSync(join("data", "w.bin"), join(folder, "link.bin"));
    for (const location of ["data/w.bin", "./data//./w.bin", "link.bin"]) {
      writeExternal(location);
      expect(readWeight()).toEqual(DATA.slice(4, 12));
    }
  });

  it("may be missing until it is read", () => {
    writeExternal("gone.bin");
    const model = readModel(path);
    expect(() => weightOf(model)).toThrow(failure("external-missing"));
    expect(() => weightOf(model)).toThrow(
      `external data ${join(folder, "gone.bin")} cannot be read: there is no such file`,
    );
  });

  it.each([
    "../outside.bin",
    "data/../../outside.bin",
    "..",
    "..\\outside.bin",
    "/etc/passwd",
    "\\\\server\\share\\w.bin",
    "C:\\w.bin",
    "C:w.bin",
  ])("is refused at once when its location is %j", (location) => {
    writeExternal(location);
    expect(() => readModel(path)).toThrow(failure("external-escape"));
  });

  it.each(["", ".", "./", "w\0.bin"])("is refused as malformed when its location is %j", (location) => {
    writeExternal(location);
    expect(() => readModel(path)).toThrow(failure("malformed"));
  });

  it("is refused when a link leads out of the folder", () => {
    writeFileSync(join(folder, "..", "secret.bin"), DATA);
    // A sibling whose name starts like the folder's: a comparison of texts would call it inside.
    mkdirSync(`${folder}-other`);
    writeFileSync(join(`${folder}-other`, "w.bin"), DATA);
    symlinkSync(join("..", "secret.bin"), join(folder, "file.bin"));
    symlinkSync(`${folder}-other`, join(folder, "sub"));
    symlinkSync("/", join(folder, "root"));
    for (const location of ["file.bin", "sub/w.bin", "root/etc/passwd"]) {
      writeExternal(location);
      expect(readWeight).toThrow(failure("external-escape"));
    }
  });

  it("is refused when links form a loop", () => {
    symlinkSync("b.bin", join(folder, "a.bin"));
    symlinkSync("a.bin", join(folder, "b.bin"));
    writeExternal("a.bin");
    expect(readWeight).toThrow(failure("external-missing"));
    expect(readWeight).toThrow("symbolic links form a loop");
  });

  it("is refused when it is a folder or a FIFO", () => {
    mkdirSync(join(folder, "sub"));
    expect(spawnSync("mkfifo", [join(folder, "fifo")]).status).toBe(0);
    for (const location of ["sub", "fifo"]) {
      writeExternal(location);
      expect(readWeight).toThrow(failure("external-missing"));
    }
  });

  it("is refused when it is the model itself, also under another name", () => {
    symlinkSync("model.onnx", join(folder, "alias.bin"));
    for (const location of ["model.onnx", "alias.bin"]) {
      writeExternal(location);
      expect(readWeight).toThrow(failure("external-escape"));
    }
  });

  it.each([
    ["ends beyond the file", { offset: "12", length: "8" }, "truncated"],
    ["starts beyond the file", { offset: "4000000000" }, "truncated"],
    ["has another length than the dims", { length: "12" }, "shape-mismatch"],
    ["has a negative offset", { offset: "-4" }, "malformed"],
    ["has an offset that is no number", { offset: "0x4" }, "malformed"],
    ["has an offset beyond exact numbers", { offset: "9007199254740993" }, "malformed"],
    ["has a length of 30 digits", { length: "1".repeat(30) }, "malformed"],
  ])("is refused when it %s", (_, entries, code) => {
    writeFileSync(join(folder, "w.bin"), DATA);
    writeExternal("w.bin", entries as Record<string, string>);
    expect(readWeight).toThrow(failure(code));
  });

  it("allows nothing to be allocated for absurd dims without data", () => {
    const weight = externalTensor("w", [2 ** 40], "float32", { location: "w.bin", offset: 0, length: 2 ** 42 });
    writeFileSync(path, buildModel({ nodes: [], initializers: [weight] }));
    writeFileSync(join(folder, "w.bin"), DATA);
    expect(readWeight).toThrow(failure("truncated"));
  });
});
