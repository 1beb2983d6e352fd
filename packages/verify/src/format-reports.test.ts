import { formatJunit, formatMarkdown, type Verification } from "@espalier/verify";
import { describe, expect, it } from "vitest";

const verification: Verification = {
  status: "failed",
  checks: [
    { name: "pattern", status: "passed", measured: 0, limit: 0, message: "2 weights conform to 2:4" },
    { name: "sparsity", status: "skipped", measured: 0.5, limit: null, message: "no limit" },
    { name: "outputs", status: "failed", measured: 0.123456, limit: 0.05, message: 'output "y" is > 0.05 & far' },
  ],
  bytes: { original: 1000, pruned: 500 },
  latency: {
    runs: 15,
    original: { median: 2, min: 1, max: 3 },
    pruned: { median: 1, min: 0.5, max: 2 },
    speedup: { ratio: 2, interval: { low: 1.5, high: 2.5 }, verdict: "faster" },
  },
};
const loading: Verification["loading"] = { problem: "<no> room" };
const passed: Verification = { ...verification, status: "passed", checks: verification.checks.slice(0, 1) };

/** Names that try to break out of everything. */
const HOSTILE = 'w" ]]><script>&amp;\x00\x1b[2J\u{FFFE}\ud800 `` @team | [x](http://e.vil)\n# h';

function withMessage(message: string): Verification {
  return { ...verification, checks: [{ ...verification.checks[2]!, message }] };
}

describe("formatJunit", () => {
  it("is a suite with a case for each check, sizes and times beside it", () => {
    expect(formatJunit(verification, { name: "model.onnx" })).toBe(
      [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<testsuites name="model.onnx" tests="3" failures="1" errors="0" skipped="1">',
        '  <testsuite name="model.onnx" tests="3" failures="1" errors="0" skipped="1">',
        '    <testcase classname="model.onnx" name="pattern"><system-out>2 weights conform to 2:4 (measured 0, limit 0)</system-out></testcase>',
        '    <testcase classname="model.onnx" name="sparsity"><skipped message="no limit"/></testcase>',
        '    <testcase classname="model.onnx" name="outputs"><failure type="outputs" message="output &quot;y&quot; is &gt; 0.05 &amp; far">measured 0.1235, limit 0.05</failure></testcase>',
        "    <system-out>bytes: 1000 original, 500 pruned (0.500)",
        "median of 15 runs in turns: 2.000 ms (1.000 to 3.000) original, 1.000 ms (0.500 to 2.000) pruned",
        "speed: 2.000 times the original's (95 % interval 1.500 to 2.500): faster",
        "failed: 1 passed, 1 failed, 1 skipped</system-out>",
        "  </testsuite>",
        "</testsuites>",
        "",
      ].join("\n"),
    );
  });

  it("says what loading takes", () => {
    const xml = formatJunit({ ...verification, loading });
    expect(xml).toContain("faster\nloading could not be measured: &lt;no&gt; room\nfailed:");
  });

  it("stays XML whatever the names in a model are", () => {
    const xml = formatJunit(withMessage(HOSTILE), { name: HOSTILE });
    expect(xml).toContain('message="w&quot; ]]&gt;&lt;script&gt;&amp;amp; [2J');
    // No character that XML 1.0 forbids: controls but tab and line ends, U+FFFE, U+FFFF, lone surrogates.
    expect(xml).not.toMatch(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u);
    expect(xml.match(/<testcase /g)).toHaveLength(1);
    expect(xml).not.toContain("<script>");
  });
});

describe("formatMarkdown", () => {
  it("says what failed first, and folds the rest", () => {
    expect(formatMarkdown(verification, { title: "model.onnx" })).toBe(
      [
        "### ❌ `model.onnx`",
        "",
        "**failed: 1 passed, 1 failed, 1 skipped**",
        "",
        '- **outputs**: `output "y" is > 0.05 & far`',
        "",
        "<details><summary>All checks</summary>",
        "",
        "| check    | status    | measured | limit | finding                      |",
        "| :------- | :-------- | -------: | ----: | :--------------------------- |",
        "| pattern  | ✅ passed  |        0 |     0 | `2 weights conform to 2:4`   |",
        "| sparsity | ⚪ skipped |      0.5 |     – | `no limit`                   |",
        '| outputs  | ❌ failed  |   0.1235 |  0.05 | `output "y" is > 0.05 & far` |',
        "",
        "- bytes: 1000 original, 500 pruned (0.500)",
        "- median of 15 runs in turns: 2.000 ms (1.000 to 3.000) original, 1.000 ms (0.500 to 2.000) pruned",
        "- speed: 2.000 times the original's (95 % interval 1.500 to 2.500): faster",
        "",
        "</details>",
        "",
      ].join("\n"),
    );
  });

  it("says what loading takes", () => {
    const text = formatMarkdown({ ...verification, loading });
    expect(text).toContain("faster\n- loading could not be measured: <no> room\n\n</details>");
  });

  it("starts with the good news when all passed", () => {
    const text = formatMarkdown(passed);
    expect(text).toMatch(/^### ✅ `Pruned model`\n\n\*\*passed: 1 passed, 0 failed, 0 skipped\*\*\n\n<details>/);
  });

  it("keeps names of a model in code spans, in one line and one cell", () => {
    const lines = formatMarkdown(withMessage(HOSTILE)).split("\n");
    const listed = lines.find((line) => line.startsWith("- **outputs**"))!;
    expect(listed).toMatch(/^- \*\*outputs\*\*: ``` w" .* ```$/);
    const row = lines.find((line) => line.startsWith("| outputs"))!;
    expect(row.match(/(?<!\\)\|/g)).toHaveLength(6);
    expect(lines.filter((line) => line.startsWith("#"))).toHaveLength(1);
  });
});
