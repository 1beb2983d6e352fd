import { makeSampleSet, type SampleSet } from "./sample-set.js";

/**
 * Several files as one set, in the order given: what a folder or a glob means. Extras are those that every set has.
 *
 * @param sets at least one
 * @throws {RangeError} when there are none
 */
export function joinSampleSets(sets: readonly SampleSet[]): SampleSet {
  if (sets.length === 0) throw new RangeError("no sample sets to join");
  const starts: number[] = [];
  const count = sets.reduce((sum, set) => {
    starts.push(sum);
    return sum + set.count;
  }, 0);
  return makeSampleSet("the sample files", {
    count,
    at: (index) => {
      const which = starts.findLastIndex((start) => start <= index);
      return sets[which]!.at(index - starts[which]!);
    },
    extras: sets[0]!.extras.filter((name) => sets.every((set) => set.extras.includes(name))),
    extra: (name) => sets.flatMap((set) => set.extra(name)),
  });
}
