import { VerifyError } from "../verify-error.js";

/** The error for labels that end before the samples. @param sample the first that has none */
export function tooFewLabels(labels: number, sample: number): VerifyError {
  const message = `there are ${labels} labels, and sample ${sample} needs one more: give a label for every example`;
  return new VerifyError("bad-labels", message, { sample });
}

/** The error for samples that end before the labels. @param what examples are, in the singular */
export function tooManyLabels(labels: number, examples: number, what: string): VerifyError {
  const message = `there are ${labels} labels for ${examples} ${what}s: give one for every ${what}`;
  return new VerifyError("bad-labels", message);
}
