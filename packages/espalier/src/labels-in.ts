import type { SampleSet } from "@espalier/runtime";
import { EspalierError } from "./errors.js";
import type { Samples } from "./samples.js";

/**
 * Labels that stand in the sample files: one class for each sample, from 0.
 *
 * @throws {RunnerError} `bad-samples` when there are none of that name
 * @throws {EspalierError} `usage` for samples that are no files, `input` for a label that is no class
 */
export function labelsIn(feeds: Samples | undefined, name: string): readonly number[] {
  const set = feeds as Partial<SampleSet> | undefined;
  if (!set?.extra)
    throw new EspalierError(
      "usage",
      `the labels "${name}" are to stand in sample files beside the inputs: give such files`,
    );
  return set.extra(name).map(({ data }, sample) => {
    const label = Number(data[0]);
    if (data.length === 1 && Number.isSafeInteger(label) && label >= 0) return label;
    throw new EspalierError("input", `label ${sample} of "${name}" is no single class from 0`);
  });
}
