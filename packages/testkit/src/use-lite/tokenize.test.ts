import { tokenize } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

describe("tokenize", () => {
  it("gives the ids that the tfjs package documents", () => {
    // README of @tensorflow-models/universal-sentence-encoder, whose vocabulary this is.
    expect(tokenize("Hello, how are you?")).toEqual([341, 4125, 8, 140, 31, 19, 54]);
  });

  it("maximises the sum of scores and does not take the longest piece first", () => {
    // ▁ −5.52 + rack −10.35 = −15.87 is better than ▁ra −8.75 + ck −7.88 = −16.63, which the longest piece first gives.
    expect(tokenize("rack")).toEqual([30, 4048]);
    // ▁co −7.96 + mb −8.68 = −16.64 is better than ▁com −9.60 + b −7.14 = −16.74.
    expect(tokenize("comb")).toEqual([361, 730]);
  });

  it("makes one unknown id of neighbouring characters outside the vocabulary", () => {
    const space = tokenize("日本 a")[0]!;
    expect(tokenize("a 日本語 b")).toEqual([11, space, 0, ...tokenize("b")]);
  });

  it("takes characters beyond the first plane whole", () => {
    expect(tokenize("😀")).toEqual(tokenize("日"));
  });

  it("sees no difference between kinds and amounts of white space", () => {
    expect(tokenize(" the\n\tthe ")).toEqual([9, 9]);
  });

  it("normalises to NFKC", () => {
    expect(tokenize("ﬁne")).toEqual(tokenize("fine"));
  });

  it("cuts a long text after 128 pieces", () => {
    expect(tokenize("the ".repeat(128))).toHaveLength(128);
    expect(tokenize("the ".repeat(129))).toHaveLength(128);
  });

  it("gives nothing for a text of white space", () => {
    expect(tokenize("")).toEqual([]);
    expect(tokenize(" \n")).toEqual([]);
  });
});
