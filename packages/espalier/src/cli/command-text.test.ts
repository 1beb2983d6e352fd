import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { commandText } from "./command-text.js";

test("a shell reads the same words again, whatever is in them", () => {
  const words = ["verify", "a b.onnx", "it's", "$HOME", "*", "", "--budget", "drop<=0.01,bytes<=5MB", "back\\slash"];
  const text = commandText(words).replace(/^espalier /, "");
  expect(execFileSync("sh", ["-c", `printf '%s\\n' ${text}`], { encoding: "utf8" })).toBe(`${words.join("\n")}\n`);
});

test("words without a meaning to a shell stay as they are", () => {
  expect(commandText(["prune", "m.onnx", "--pattern", "2:4"])).toBe("espalier prune m.onnx --pattern 2:4");
});
