import { describe, expect, test } from "vitest";
import { percentText, printable, table } from "./table.js";

describe("table", () => {
  test("aligns numbers to the right and lets no name break a row or reach the terminal as a command", () => {
    const text = table(
      [{ name: "a\n| b \u001b[2J", zeros: 5 }],
      [
        { heading: "weight", cell: (row) => row.name },
        { heading: "zeros", cell: (row) => String(row.zeros), numeric: true },
      ],
    );
    expect(text.split("\n")).toHaveLength(3);
    expect(text).not.toContain("\u001b");
    expect(text).toContain("| zeros |\n");
  });
});

test("printable shows control characters as escapes and leaves other text alone", () => {
  expect(printable("é\t✓")).toBe("é\\u0009✓");
});

test("percentText has two decimals", () => {
  expect(percentText(0.5)).toBe("50.00 %");
});
