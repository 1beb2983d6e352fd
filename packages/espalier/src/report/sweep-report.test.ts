import { describe, expect, it } from "vitest";
import { HOSTILE, reportModel } from "../../test/report-models.js";
import { flawsOf, pageOf, textsOf } from "../../test/report-page.js";
import { type SyntheticSweep, syntheticSweep } from "../../test/synthetic-sweep.js";
import type { FinishedRow } from "../sweep/sweep-result.js";
import { shownRow, sweepReport } from "./sweep-report.js";

const pageFor = async (options?: SyntheticSweep) => pageOf(await sweepReport(syntheticSweep(options)));

describe("sweepReport", () => {
  it("numbers the front from the smallest file, in the table as in both plots", async () => {
    const { rows } = syntheticSweep();
    const front = rows.filter((row): row is FinishedRow => row.status === "done" && row.pareto);
    const sizes = front.map(({ bytes }) => bytes).sort((a, b) => a - b);
    const page = await pageFor();
    const table = [...page.querySelectorAll("#trade-off tbody tr")];
    expect(table).toHaveLength(front.length);
    for (const [index, row] of table.entries()) {
      expect(row.textContent.trim()).toMatch(new RegExp(`^${index + 1}\\. `));
      expect(row.textContent).toContain(`${(sizes[index]! / 1e6).toFixed(1)} MB`);
    }
    for (const svg of page.querySelectorAll("#trade-off figure svg")) {
      const numbers = textsOf(svg, "text").filter((text) => /^\d+$/.test(text));
      for (const index of front.keys()) expect(numbers).toContain(String(index + 1));
    }
  });

  it("has a plot for each criterion, whose bars are the interval of the drop", async () => {
    const page = await pageFor();
    expect(textsOf(page, "#scores figcaption")).toEqual(["l1", "wanda", "obs+least-squares"]);
    const [first] = page.querySelectorAll("#scores figure svg");
    const { rows } = syntheticSweep();
    const { accuracy } = rows[0] as FinishedRow;
    // drop ∈ [drop − 0.013, drop + 0.014] around the score: higher by 0.013, lower by 0.014.
    const three = (value: number): string => String(Number(value.toPrecision(3)));
    const range = `${three(accuracy!.mean)} (${three(accuracy!.mean - 0.014)} to ${three(accuracy!.mean + 0.013)})`;
    expect(first!.getAttribute("aria-label")).toContain(`unstructured 30\u00a0%: ${range}`);
  });

  it("says what the budget chose, or that nothing is within it", async () => {
    const best = syntheticSweep().rows.findIndex(
      ({ criterion, pattern }) => criterion === "wanda" && pattern === "2:4",
    );
    const found = await pageFor({ budget: { text: "drop<=0.2", best } });
    expect(textsOf(found, ".verdict.passed")).toEqual(["✓ Within drop<=0.2: wanda 2:4"]);
    expect(textsOf(found, "#layers p")[0]).toContain("wanda 2:4: what the budget chose");
    const none = await pageFor({ budget: { text: "bytes<=1kB", best: null } });
    expect(textsOf(none, ".verdict.failed")).toEqual(["✗ Nothing is within bytes<=1kB"]);
  });

  it("gives the reason for every cell that was refused", async () => {
    const page = await pageFor();
    const [cells, refused] = [...page.querySelectorAll("#cells tbody")].map((body) => textsOf(body, "tr"));
    expect(cells).toHaveLength(39);
    expect(refused).toHaveLength(3);
    expect(refused![0]).toBe('l1 blocks:32x256 30 %weight "layer0/attention/output/weight" is 256 wide: no block fits');
  });

  it("names the weights that stayed dense in the cell whose layers it shows", async () => {
    const best = syntheticSweep().rows.findIndex(({ pattern }) => pattern === "block:16x4");
    const page = await pageFor({ budget: { text: "drop<=0.2", best } });
    expect(textsOf(page, "#layers > .scroll tbody tr")).toEqual(["head/weight512 is no multiple of 48"]);
    expect(textsOf(page, "#cells thead th")).toContain("weights left dense");
  });

  it("plots the largest of many weights", async () => {
    const sweep = syntheticSweep({ layers: Array.from({ length: 30 }, (_, index) => `weight${index}`) });
    const larger = ({ layers, ...row }: FinishedRow): FinishedRow => ({
      ...row,
      layers: layers.map((layer, index) => ({ ...layer, entries: index < 6 ? 4 : 8 })),
    });
    const page = pageOf(
      await sweepReport({ ...sweep, rows: sweep.rows.map((row) => (row.status === "done" ? larger(row) : row)) }),
    );
    expect(textsOf(page, "#layers figcaption")[0]).toContain("The 24 largest of 30 weights.");
    const [plot] = page.querySelectorAll("#layers figure svg");
    const named = textsOf(plot!, "text").filter((text) => text.startsWith("weight"));
    expect(named).toEqual(Array.from({ length: 24 }, (_, index) => `weight${index + 6}`));
  });

  it("goes by output error where there is no metric, and says so", async () => {
    const page = await pageFor({ metric: null });
    expect(textsOf(page, "#scores p")[0]).toContain("no error bars");
    expect(textsOf(page, "#trade-off thead th")).not.toContain("score");
  });

  it("keeps models and formats apart", async () => {
    const html = await sweepReport(syntheticSweep({ models: ["a", "b"], formats: ["dense", "bitmask"] }));
    const page = pageOf(html);
    expect(textsOf(page, "#storage h3")).toEqual(["a", "b"]);
    expect(textsOf(page, "#storage figcaption b")).toEqual([
      "Stored as dense",
      "Stored as bitmask",
      "Stored as dense",
      "Stored as bitmask",
    ]);
    expect(textsOf(page, "#trade-off tbody th")[0]).toMatch(/ as (dense|bitmask)$/);
    expect(flawsOf(html)).toEqual([]);
  });

  it("can be read without seeing it, is always the same, and is small", async () => {
    const html = await sweepReport(syntheticSweep());
    expect(flawsOf(html)).toEqual([]);
    expect((await sweepReport(syntheticSweep())) === html).toBe(true);
    expect(html.length).toBeLessThan(300_000);
  });

  it("shows names that attack as text", async () => {
    const html = await sweepReport(
      syntheticSweep({ models: [HOSTILE, "b"], layers: [HOSTILE], formats: ["auto", HOSTILE] }),
    );
    expect(html.match(/<script|[\u202A-\u202E\u2066-\u2069]/i)).toBeNull();
    expect(flawsOf(html)).toEqual([]);
  });

  it("pictures the masks of a cell whose models it is given", async () => {
    const pictured = { original: reportModel(2, false), pruned: reportModel(2, true) };
    const page = pageOf(await sweepReport(syntheticSweep(), { pictured }));
    expect([...page.querySelectorAll("#masks img")]).toHaveLength(4);
  });

  it("has a page for a sweep in which nothing could be made", async () => {
    const sweep = syntheticSweep();
    const html = await sweepReport({ ...sweep, rows: sweep.rows.filter(({ status }) => status === "refused") });
    expect(textsOf(pageOf(html), "h2")).toEqual(["All cells", "How it was made"]);
    expect(flawsOf(html)).toEqual([]);
  });
});

describe("shownRow", () => {
  it("is what the budget chose, else the least harm on the front", () => {
    const sweep = syntheticSweep();
    expect(shownRow(syntheticSweep({ budget: { text: "bytes<=20MB", best: 4 } }))).toEqual(sweep.rows[4]);
    const front = sweep.rows.filter((row): row is FinishedRow => row.status === "done" && row.pareto);
    const least = Math.min(...front.map(({ accuracy }) => accuracy!.drop));
    expect(shownRow(sweep)!.accuracy!.drop).toBe(least);
    expect(shownRow({ ...sweep, rows: [] })).toBeUndefined();
  });
});
