import { ocrLines, renderLine } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

describe("renderLine", () => {
  const [line, other] = ocrLines().test as [string, string];

  it("gives one line of three colours, 48 pixels high", () => {
    const { dtype, dims, data } = renderLine(line);
    expect([dtype, ...dims, data.length]).toEqual(["float32", 1, 3, 48, 480, 3 * 48 * 480]);
  });

  it("gives the same bits for the same line and seed", () => {
    expect(renderLine(line, { seed: 3 })).toEqual(renderLine(line, { seed: 3 }));
    expect(renderLine(line, { seed: 4 })).not.toEqual(renderLine(line, { seed: 3 }));
    expect(renderLine(other)).not.toEqual(renderLine(line));
  });

  it("normalises white paper to 1 and black ink to −1 without noise", () => {
    const { data } = renderLine(line, { noise: 0 });
    expect([Math.min(...data), Math.max(...data)]).toEqual([-1, 1]);
    expect(data[0]).toBe(1);
    // Text covers more than a twentieth and less than half of the paper.
    const ink = data.filter((value) => value < 0).length / data.length;
    expect(ink).toBeGreaterThan(0.05);
    expect(ink).toBeLessThan(0.5);
  });

  it("gives every colour noise of its own and of the size that was asked for", () => {
    const plain = renderLine(line, { noise: 0 }).data;
    const noise = renderLine(line, { noise: 0.1 }).data.map((value, index) => value - plain[index]!);
    const deviation = Math.sqrt(noise.reduce((sum, value) => sum + value * value, 0) / noise.length);
    // 69,120 samples: the deviation of a deviation is 0.1 / sqrt(2 n) = 2.7e-4.
    expect(Math.abs(deviation - 0.1)).toBeLessThan(0.001);
    expect(noise[0]).not.toBe(noise[48 * 480]);
  });

  it("writes up to the right margin", () => {
    const { data } = renderLine(line, { noise: 0 });
    const lastColumns = Array.from({ length: 48 }, (_, row) => data.slice(row * 480 + 466, row * 480 + 480));
    expect(Math.min(...lastColumns.flatMap((columns) => [...columns]))).toBeLessThan(0);
  });

  it.each(["two words", "whale", "", "a line that is much longer than four hundred and eighty pixels"])(
    "refuses %j, which does not fill a line",
    (text) => expect(() => renderLine(text)).toThrow(RangeError),
  );
});
