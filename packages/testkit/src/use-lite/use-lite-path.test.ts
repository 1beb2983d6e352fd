import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildUseLite, useLitePath } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

describe("useLitePath", () => {
  let folder: string;
  let key: string;
  const inode = (path: string) => statSync(path).ino;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "espalier-"));
    key = join(folder, "use-lite.key.json");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("writes the model and its key, nothing else", () => {
    const path = useLitePath(folder);
    expect(readdirSync(folder).sort()).toEqual(["use-lite.key.json", "use-lite.onnx"]);
    expect(Buffer.compare(readFileSync(path), buildUseLite())).toBe(0);
  });

  it("reuses the file while the key matches", () => {
    const before = inode(useLitePath(folder));
    expect(inode(useLitePath(folder))).toBe(before);
  });

  it("builds anew when the key says another version", () => {
    const before = inode(useLitePath(folder));
    writeFileSync(key, readFileSync(key, "utf8").replace(/"source":"[^"]+"/, '"source":"0.0.0"'));
    expect(inode(useLitePath(folder))).not.toBe(before);
  });

  it("builds anew when the model was cut short", () => {
    const path = useLitePath(folder);
    truncateSync(path, 1000);
    expect(statSync(useLitePath(folder)).size).toBe(buildUseLite().length);
  });

  it("builds anew when the model is gone but the key is not", () => {
    rmSync(useLitePath(folder));
    expect(statSync(useLitePath(folder)).isFile()).toBe(true);
  });
});
