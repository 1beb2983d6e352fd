import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  decodeModel,
  encodeModel,
  readModel,
  tensorBytes,
  withMetadata,
  withTensorData,
  writeModel,
  writeModelInSteps,
} from "@espalier/onnx";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  edited,
  find,
  floats,
  makeWorkspace,
  valuesIn,
  type Workspace,
  writeExternalModel,
} from "../fixtures/external-model.js";
import { richModel } from "../fixtures/rich-model.js";

let workspace: Workspace;
let root: string;
let input: string;
let output: string;

beforeEach(() => {
  workspace = makeWorkspace();
  ({ root, input, output } = workspace);
});

afterEach(() => workspace.remove());

const failure = (code: string) => expect.objectContaining({ name: "OnnxError", code });

describe("writeModel", () => {
  it("writes an untouched model byte for byte, as a file and as a copy of it", () => {
    const path = join(output, "rich.onnx");
    expect(writeModel(decodeModel(richModel()), path)).toEqual({ path, externalData: [] });
    expect(new Uint8Array(readFileSync(path))).toEqual(richModel());
    writeModel(readModel(path), join(output, "copy.onnx"));
    expect(new Uint8Array(readFileSync(join(output, "copy.onnx")))).toEqual(richModel());
    expect(readdirSync(output).sort()).toEqual(["copy.onnx", "rich.onnx"]);
  });

  it("writes the bytes that encodeModel gives", () => {
    const model = decodeModel(richModel());
    const changed = withMetadata(edited(model, { odd: [7, 8] }), new Map([["key", "value"]]));
    writeModel(changed, join(output, "a.onnx"));
    expect(new Uint8Array(readFileSync(join(output, "a.onnx")))).toEqual(encodeModel(changed));
  });

  it("writes over the file that the model came from, which then refuses to be read", () => {
    const path = join(output, "model.onnx");
    writeFileSync(path, richModel());
    const model = readModel(path);
    writeModel(edited(model, { odd: [7, 8] }), path);
    expect(valuesIn(path, "odd")).toEqual([7, 8]);
    expect(() => tensorBytes(model, find(model, "raw_f32"))).toThrow(failure("changed"));
  });

  it("writes names of the greatest length", () => {
    const path = join(output, `${"n".repeat(250)}.onnx`);
    writeModel(decodeModel(richModel()), path);
    expect(readdirSync(output)).toEqual([`${"n".repeat(250)}.onnx`]);
  });

  it("replaces a link instead of following it", () => {
    writeFileSync(join(root, "elsewhere.onnx"), "old");
    symlinkSync(join(root, "elsewhere.onnx"), join(output, "model.onnx"));
    writeModel(decodeModel(richModel()), join(output, "model.onnx"));
    expect(readFileSync(join(root, "elsewhere.onnx"), "utf8")).toBe("old");
    expect(new Uint8Array(readFileSync(join(output, "model.onnx")))).toEqual(richModel());
  });

  it("keeps the permissions of a file that it replaces", () => {
    const path = join(output, "model.onnx");
    writeFileSync(path, "old", { mode: 0o600 });
    writeModel(decodeModel(richModel()), path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe("writeModelInSteps", () => {
  /** A model of three steps of data and more of its own. */
  const start = () => {
    const path = writeExternalModel(input, { a: ["w.bin", 4] }, { "w.bin": floats(1, 2, 3, 4) });
    return writeModelInSteps(edited(readModel(path), { a: [7, 8] }), join(output, "model.onnx"));
  };

  it("writes the same files as writeModel when all steps are taken", () => {
    const steps = start();
    let step = steps.next();
    for (; !step.done; step = steps.next());
    expect(step.value).toEqual({ path: join(output, "model.onnx"), externalData: [join(output, "w.bin")] });
    expect([valuesIn(join(output, "model.onnx"), "a"), readdirSync(output).sort()]).toEqual([
      [7, 8],
      ["model.onnx", "w.bin"],
    ]);
  });

  it.each([
    [
      "an error is thrown into it",
      (steps: ReturnType<typeof start>) =>
        expect(() => steps.throw(new RangeError("stop"))).toThrow(new RangeError("stop")),
    ],
    [
      "it is returned from",
      (steps: ReturnType<typeof start>) => expect(steps.return(undefined as never).done).toBe(true),
    ],
  ])("leaves nothing after any step at which %s", (_, stop) => {
    let taken = 0;
    for (let unfinished = true; unfinished; taken++) {
      const steps = start();
      for (let step = 0; step < taken && unfinished; step++) unfinished = !steps.next().done;
      if (!unfinished) break;
      stop(steps);
      expect(readdirSync(output)).toEqual([]);
    }
    expect(taken).toBeGreaterThan(4);
  });
});

describe("writeModel that fails", () => {
  const rich = () => decodeModel(richModel());

  it.each([
    ["a folder that does not exist", () => join(output, "missing", "a.onnx"), "does not exist: create it first"],
    ["a folder that is a file", () => join(output, "file", "a.onnx"), "is no folder"],
    ["a path that is a folder", () => output, "it is a folder"],
    ["a device", () => "/dev/null", "it is no regular file"],
  ])("refuses %s and says so", (_, path, message) => {
    writeFileSync(join(output, "file"), "");
    expect(() => writeModel(rich(), path())).toThrow(failure("write-failed"));
    expect(() => writeModel(rich(), path())).toThrow(message);
    expect(readdirSync(output)).toEqual(["file"]);
  });

  it("refuses to write the model over its own external data", () => {
    const path = writeExternalModel(input, { a: ["w.bin", 0] }, { "w.bin": floats(1, 2) });
    expect(() => writeModel(readModel(path), join(input, "w.bin"))).toThrow(failure("write-failed"));
    expect(valuesIn(path, "a")).toEqual([1, 2]);
  });

  it("leaves the old file and no other when an edit throws, and hands its error on", () => {
    const path = join(output, "model.onnx");
    writeFileSync(path, "old");
    const model = rich();
    const failing = withTensorData(
      model,
      new Map([
        [
          find(model, "odd"),
          () => {
            throw new RangeError("no");
          },
        ],
      ]),
    );
    expect(() => writeModel(failing, path)).toThrow(new RangeError("no"));
    expect([readdirSync(output), readFileSync(path, "utf8")]).toEqual([["model.onnx"], "old"]);
  });

  it("leaves no data file either when the model cannot be written", () => {
    const path = writeExternalModel(input, { a: ["w.bin", 0], b: ["gone.bin", 0] }, { "w.bin": floats(1, 2) });
    expect(() => writeModel(edited(readModel(path), { a: [3, 4] }), join(output, "model.onnx"))).toThrow(
      failure("external-missing"),
    );
    expect(readdirSync(output)).toEqual([]);
  });

  it("leaves the old model and no new name when the process is killed while it writes", () => {
    const path = writeExternalModel(input, { a: ["w.bin", 0], b: ["w.bin", 8] }, { "w.bin": floats(1, 2, 3, 4) });
    writeFileSync(join(output, "model.onnx"), "old");
    const program = `
      import { readModel, withTensorData, writeModel } from ${JSON.stringify(createRequire(import.meta.url).resolve("@espalier/onnx"))};
      const model = readModel(${JSON.stringify(path)});
      const [a, b] = model.proto.graph.initializer;
      const edits = new Map([[a, () => new Uint8Array(8)], [b, () => process.kill(process.pid, "SIGKILL")]]);
      writeModel(withTensorData(model, edits), ${JSON.stringify(join(output, "model.onnx"))});`;
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", program]).signal).toBe("SIGKILL");
    const left = readdirSync(output);
    expect(left.filter((name) => !/^\.w\.bin\.[0-9a-f]{12}\.tmp$/.test(name))).toEqual(["model.onnx"]);
    expect(readFileSync(join(output, "model.onnx"), "utf8")).toBe("old");
  });
});
