import { random, trainProbe } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

/** Points of norm 1 around three directions of a plane, `[cos, sin]`, classes in turn. */
function clusters(perClass: number, seed: number) {
  const stream = random(seed);
  const labels = Array.from({ length: 3 * perClass }, (_, index) => index % 3);
  const points = labels.flatMap((label) => {
    const angle = (2 * Math.PI * label) / 3 + (stream.next() - 0.5);
    return [Math.cos(angle), Math.sin(angle)];
  });
  return { labels, embeddings: Float32Array.from(points) };
}

describe("trainProbe", () => {
  it("separates classes that a plane separates, on points it has not seen", () => {
    const seen = clusters(20, 1);
    const unseen = clusters(50, 2);
    const probe = trainProbe(seen.embeddings, seen.labels, 3);
    expect([...probe.predict(unseen.embeddings)]).toEqual(unseen.labels);
  });

  it("gives the same probe for the same input", () => {
    const { embeddings, labels } = clusters(20, 1);
    const probes = [trainProbe(embeddings, labels, 3), trainProbe(embeddings, labels, 3)];
    const points = random(5).float32(2000);
    expect(probes[0]!.predict(points)).toEqual(probes[1]!.predict(points));
  });

  // Embeddings of zero leave only the biases, which follow the frequency of the classes: without a bias class 0 wins.
  it("learns which class is frequent where embeddings say nothing", () => {
    const probe = trainProbe(new Float32Array(10), [1, 1, 1, 0, 2], 3);
    expect([...probe.predict(new Float32Array(2))]).toEqual([1]);
  });

  it("predicts the lowest of equally likely classes", () => {
    const probe = trainProbe(new Float32Array(6), [2, 1, 0], 3);
    expect([...probe.predict(new Float32Array(2))]).toEqual([0]);
  });

  it("refuses values that do not make one row a label", () => {
    expect(() => trainProbe(new Float32Array(7), [0, 1], 2)).toThrow(RangeError);
    const probe = trainProbe(new Float32Array(4), [0, 1], 2);
    expect(() => probe.predict(new Float32Array(3))).toThrow(RangeError);
  });

  it("refuses a label that is no class", () => {
    expect(() => trainProbe(new Float32Array(4), [0, 2], 2)).toThrow("label 2 is none of the 2 classes");
  });
});
