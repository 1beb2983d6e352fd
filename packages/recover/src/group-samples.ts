import type { Sample } from "@espalier/runtime";

/**
 * Puts samples whose tensors have the same sizes next to each other, so that they share runs of the model: sizes in the order
 * in which they first appear, samples of one size in their own order.
 */
export async function groupSamples(samples: Iterable<Sample> | AsyncIterable<Sample>): Promise<readonly Sample[]> {
  const groups = new Map<string, Sample[]>();
  for await (const sample of samples) {
    const key = sizesOf(sample);
    const group = groups.get(key);
    if (group) group.push(sample);
    else groups.set(key, [sample]);
  }
  return [...groups.values()].flat();
}

function sizesOf(sample: Sample): string {
  const names = Object.keys(sample).sort();
  return JSON.stringify(names.map((name) => [name, sample[name]!.dtype, ...sample[name]!.dims]));
}
