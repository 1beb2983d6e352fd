import { describe, expect, it } from "vitest";
import { timedSuite } from "./timed-suite.js";

describe("timedSuite", () => {
  it("runs the baseline and the chosen cases in turn, one round more than it counts", async () => {
    const order: string[] = [];
    const suite = timedSuite({
      name: "suite",
      unit: "baselines",
      note: "",
      rounds: 3,
      cases: () => ["baseline", "chosen", "other"].map((name) => ({ name, run: () => order.push(name) })),
    });
    const table = await suite.run((name) => name === "suite/chosen");
    expect(order).toEqual(Array.from({ length: 4 }, () => ["baseline", "chosen"]).flat());
    expect(table.rows.map(([name]) => name)).toEqual(["suite/baseline", "suite/chosen"]);
    expect(table.rows[0]![2]).toBe("1.00");
  });
});
