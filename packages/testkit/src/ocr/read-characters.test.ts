import { ocrCharacters, readCharacters } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

/** Scores whose best classes are the given ones. */
function scoresOf(paths: readonly (readonly number[])[], classes: number) {
  const data = paths.flat().flatMap((best) => Array.from({ length: classes }, (_, label) => (label === best ? 2 : -1)));
  return { dims: [paths.length, paths[0]!.length, classes], data: Float32Array.from(data) };
}

describe("readCharacters", () => {
  const characters = ["", "a", "b", " "];

  it("merges repetitions, drops blanks, and keeps a letter that a blank separates from itself", () => {
    expect(readCharacters(scoresOf([[1, 1, 0, 1, 2, 2, 0]], 4), characters)).toEqual(["aab"]);
  });

  it("reads every line of a batch, and merges nothing across its border", () => {
    const paths = [
      [1, 0, 2],
      [2, 3, 1],
    ];
    expect(readCharacters(scoresOf(paths, 4), characters)).toEqual(["ab", "b a"]);
  });

  it("cuts spaces at both ends", () => {
    expect(readCharacters(scoresOf([[3, 1, 3]], 4), characters)).toEqual(["a"]);
  });

  it("takes the lowest of equal classes", () => {
    expect(readCharacters({ dims: [1, 1, 4], data: Float32Array.of(0, 5, 5, 0) }, characters)).toEqual(["a"]);
  });

  it("refuses scores of other characters", () => {
    expect(() => readCharacters(scoresOf([[1]], 3), characters)).toThrow("scores [1, 1, 3] are not of 4 characters");
  });
});

describe("ocrCharacters", () => {
  it("has a blank, the 6623 characters of the list and a space", () => {
    const characters = ocrCharacters();
    expect(characters).toHaveLength(6625);
    expect([characters[0], characters.at(-1)]).toEqual(["", " "]);
    expect(characters.slice(1).every((text) => [...text].length === 1)).toBe(true);
  });

  it("has every printable character of ASCII", () => {
    const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
    expect(ascii.filter((text) => !ocrCharacters().includes(text))).toEqual([]);
  });
});
