import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { replaceFile } from "./replace-file.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("replaceFile", () => {
  it("makes missing folders and leaves only the file", () => {
    const path = join(folder, "a", "b", "file");
    replaceFile(path, (temporary) => writeFileSync(temporary, "new"));
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readdirSync(join(folder, "a", "b"))).toEqual(["file"]);
  });

  it("keeps the old file until the new one is whole", () => {
    const path = join(folder, "file");
    writeFileSync(path, "old");
    replaceFile(path, (temporary) => {
      writeFileSync(temporary, "new");
      expect(readFileSync(path, "utf8")).toBe("old");
    });
    expect(readFileSync(path, "utf8")).toBe("new");
  });

  it("leaves the old file and nothing else when writing fails", () => {
    const path = join(folder, "file");
    writeFileSync(path, "old");
    const fail = () =>
      replaceFile(path, (temporary) => {
        writeFileSync(temporary, "half");
        throw new Error("disk full");
      });
    expect(fail).toThrow("disk full");
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["file"]);
  });
});
