import { describe, expect, test } from "vitest";
import { byteSize, shardSelection } from "./quantities.js";

describe("byteSize", () => {
  test.each([
    ["2GB", 2e9],
    ["1.5 gb", 1.5e9],
    ["512MiB", 512 * 2 ** 20],
    ["1000", 1000],
    ["7 B", 7],
    ["0.1kB", 100],
  ])("reads %s", (text, bytes) => {
    expect(byteSize(text)).toBe(bytes);
  });

  test.each(["", "GB", "-1GB", "2 TB", "2GBs", "1e9", "1,5GB"])("refuses %j", (text) => {
    expect(() => byteSize(text)).toThrow("2GB");
  });
});

describe("shardSelection", () => {
  test.each([
    ["0/1", { index: 0, of: 1 }],
    ["3/16", { index: 3, of: 16 }],
  ])("reads %s", (text, selection) => {
    expect(shardSelection(text)).toEqual(selection);
  });

  test.each(["4/4", "1", "/4", "-1/4", "1/0", "1/4/2", "a/b", "0.5/2"])("refuses %j", (text) => {
    expect(() => shardSelection(text)).toThrow("0/4");
  });
});
