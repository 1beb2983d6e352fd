import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeWhole } from "./write-whole.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-write-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("writeWhole", () => {
  it("puts a new file in the place of the old one", () => {
    const path = join(folder, "a.txt");
    writeFileSync(path, "old");
    const { ino } = statSync(path);
    writeWhole(path, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(statSync(path).ino).not.toBe(ino);
    expect(readdirSync(folder)).toEqual(["a.txt"]);
  });

  it("writes through a link", () => {
    const path = join(folder, "a.txt");
    writeFileSync(path, "old");
    symlinkSync(path, join(folder, "link"));
    writeWhole(join(folder, "link"), "new");
    expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(path, "utf8")).toBe("new");
  });

  it.each(["folder", "nowhere/a.txt"])("says that %s cannot be written, and leaves nothing", (name) => {
    mkdirSync(join(folder, "folder"));
    expect(() => writeWhole(join(folder, name), "new")).toThrow(expect.objectContaining({ code: "output" }));
    expect(readdirSync(folder)).toEqual(["folder"]);
  });
});
