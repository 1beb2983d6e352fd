import { expect, it } from "vitest";
import { weightError } from "./weight-error.js";

it.each([
  ["‖(3, 0) − (3, 4)‖ / 5", [3, 4], [3, 0], 0.8],
  ["nothing moved", [3, 4], [3, 4], 0],
  ["zeros stayed zeros", [0, 0], [0, -0], 0],
  ["zeros got values", [0, 0], [7, 0], 1],
])("%s", (_, before, after, error) => {
  expect(weightError(before, after)).toBe(error);
});
