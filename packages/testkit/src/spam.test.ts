import { type Mail, spamMails } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

const textsOf = (mails: readonly Mail[]) => mails.map(({ text }) => text);

describe("spamMails", () => {
  const splits = spamMails();

  it("has the promised number of mails of both classes, in turns", () => {
    expect(splits.probeTrain).toHaveLength(800);
    expect(splits.test.map(({ label }) => label)).toEqual(Array.from({ length: 1200 }, (_, index) => index % 2));
  });

  it("never uses a text twice, within a split or across them", () => {
    expect(new Set(textsOf([...splits.probeTrain, ...splits.test])).size).toBe(800 + 1200);
  });

  it("keeps mass mail that differs in numbers only in one split", () => {
    const letters = textsOf([...splits.probeTrain, ...splits.test]).map((text) => text.replace(/[^a-z]/gi, ""));
    expect(new Set(letters).size).toBe(800 + 1200);
  });

  it("keeps subject and text and drops headers and mark-up", () => {
    const texts = textsOf([...splits.probeTrain, ...splits.test]);
    expect(Math.max(...texts.map((text) => text.length))).toBe(300);
    expect(texts.filter((text) => /<\/?(html|body|font)\b[^>]*>/i.test(text))).toEqual([]);
    // Every mail has such headers; these few are about mail and quote them.
    expect(texts.filter((text) => /\b(Received|Return-Path|Content-Type): /.test(text)).length).toBeLessThan(10);
  });

  it("tells what is spam", () => {
    const labelOf = (subject: string) => splits.test.find(({ text }) => text.startsWith(subject))?.label;
    expect(labelOf("Life-Time upgrades for FREE")).toBe(1);
    expect(labelOf("Apt repository authentication: it's time")).toBe(0);
  });

  it("draws the same mails for the same seed and others for another", () => {
    expect(spamMails()).toEqual(splits);
    expect(textsOf(spamMails({ seed: 8 }).test)).not.toEqual(textsOf(splits.test));
  });

  it("grows the test split at its end", () => {
    const larger = spamMails({ test: 700 });
    expect(larger.test.slice(0, 1200)).toEqual(splits.test);
    expect(larger.probeTrain).toEqual(splits.probeTrain);
  });

  it("refuses splits that a class cannot fill", () => {
    expect(() => spamMails({ test: 5000 })).toThrow(RangeError);
  });
});
