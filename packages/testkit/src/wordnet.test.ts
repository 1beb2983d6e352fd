import { type Gloss, SUPERSENSES, wordnetGlosses } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

const textsOf = (glosses: readonly Gloss[]) => glosses.map(({ text }) => text);

describe("wordnetGlosses", () => {
  const splits = wordnetGlosses();

  it("has the promised number of glosses of each of 16 classes", () => {
    const perClass = (glosses: readonly Gloss[]) =>
      SUPERSENSES.map((_, label) => glosses.filter((gloss) => gloss.label === label).length);
    expect(SUPERSENSES).toHaveLength(16);
    expect(perClass(splits.probeTrain)).toEqual(Array(16).fill(120));
    expect(perClass(splits.test)).toEqual(Array(16).fill(200));
    expect(perClass(splits.calibration)).toEqual(Array(16).fill(128));
  });

  it("never uses a text twice, within a split or across them", () => {
    const all = [...splits.probeTrain, ...splits.test, ...splits.calibration];
    expect(new Set(textsOf(all)).size).toBe(1920 + 3200 + 2048);
  });

  it("lets classes take turns", () => {
    const labels = splits.test.slice(0, 32).map(({ label }) => label);
    expect(labels).toEqual([...Array(16).keys(), ...Array(16).keys()]);
  });

  it("keeps definitions and drops example sentences", () => {
    const texts = textsOf([...splits.probeTrain, ...splits.test, ...splits.calibration]);
    expect(texts.filter((text) => text.includes('; "'))).toEqual([]);
    expect(Math.min(...texts.map((text) => text.length))).toBeGreaterThanOrEqual(15);
  });

  it("labels a definition with the supersense of its WordNet file", () => {
    const classOf = (text: string) => SUPERSENSES[splits.test.find((gloss) => gloss.text === text)?.label ?? -1];
    expect(classOf("a rack for holding dishes as dishwater drains off of them")).toBe("artifact");
    expect(classOf("a contract created by law for reasons of justice without any expression of assent")).toBe(
      "communication",
    );
    expect(classOf("fresh fruits and vegetable grown for the market")).toBe("food");
    expect(classOf("the capital of Emilia-Romagna; located in northern Italy to the east of the Apennines")).toBe(
      "location",
    );
    expect(classOf("a pause or interruption (as in a conversation)")).toBe("time");
  });

  it("draws the same glosses for the same seed and others for another", () => {
    expect(wordnetGlosses()).toEqual(splits);
    expect(textsOf(wordnetGlosses({ seed: 8 }).test)).not.toEqual(textsOf(splits.test));
  });

  it("grows a split at its end and leaves the others alone", () => {
    const larger = wordnetGlosses({ test: 250, calibration: 150 });
    expect(larger.test.slice(0, 3200)).toEqual(splits.test);
    expect(larger.calibration.slice(0, 2048)).toEqual(splits.calibration);
    expect(larger.probeTrain).toEqual(splits.probeTrain);
  });

  it("refuses splits that a class cannot fill", () => {
    expect(() => wordnetGlosses({ test: 800 })).toThrow("class time has 1009 glosses, the splits need 1048");
  });
});
