import { expect, test } from "vitest";
import { bytesText } from "./bytes-text.js";

test("bytesText counts in thousands", () => {
  expect([0, 999, 1000, 27_913_676, 2_517_784_576].map(bytesText)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "27.9 MB",
    "2.5 GB",
  ]);
});
