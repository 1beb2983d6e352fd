import type { Tensor } from "@espalier/runtime";
import { outputValues } from "../output-values.js";
import { VerifyError } from "../verify-error.js";
import type { LabelAccuracy, Outputs } from "./accuracy-options.js";
import { tooFewLabels, tooManyLabels } from "./label-count.js";
import type { Scorer } from "./scorer.js";
import { isAmongTop } from "./top-k.js";

/** 1 where the label is among the best classes, 0 where it is not. */
export function labelScorer({ labels, output, top = 1 }: LabelAccuracy): Scorer {
  let taken = 0;
  return {
    name: `top-${top} accuracy`,
    async score(original, pruned, sample) {
      const [before, after] = [original, pruned].map((outputs) => scoresOf(outputs, output, top));
      const examples = before!.examples;
      if (taken + examples > labels.length) throw tooFewLabels(labels.length, sample);
      const own = Array.from({ length: examples }, (_, index) => {
        return requireLabel(labels[taken + index]!, taken + index, before!.classes);
      });
      taken += examples;
      return {
        original: own.map((label, example) => Number(before!.isRight(example, label))),
        pruned: own.map((label, example) => Number(after!.isRight(example, label))),
      };
    },
    finish() {
      if (labels.length > taken) throw tooManyLabels(labels.length, taken, "example");
    },
  };
}

/** The answers in an output. */
interface Answers {
  readonly examples: number;
  /** Infinity where the output says the class itself. */
  readonly classes: number;
  isRight(example: number, label: number): boolean;
}

function scoresOf(outputs: Outputs, name: string | undefined, top: number): Answers {
  const tensor = chosenOutput(outputs, name);
  const values = outputValues(tensor);
  if (values === undefined) throw invalidOutput(tensor, "holds texts: give a metric that understands them");
  if (isClass(tensor)) {
    if (top !== 1) throw invalidOutput(tensor, `says one class, so that top ${top} means nothing`);
    return {
      examples: values.length,
      classes: Number.POSITIVE_INFINITY,
      isRight: (example, label) => values[example] === label,
    };
  }
  const classes = tensor.dims.at(-1) ?? 1;
  if (classes < 2) throw invalidOutput(tensor, "has less than two classes along its last axis: give a metric");
  return {
    examples: values.length / classes,
    classes,
    isRight: (example, label) => isAmongTop(values, example * classes, classes, label, top),
  };
}

function chosenOutput(outputs: Outputs, name: string | undefined): Tensor {
  const names = Object.keys(outputs);
  const list = names.map((each) => JSON.stringify(each)).join(", ");
  if (name === undefined && names.length !== 1) {
    throw new VerifyError(
      "invalid-option",
      `labels need one output, the model has ${list}: name the one with the scores`,
    );
  }
  const tensor = outputs[name ?? names[0]!];
  if (tensor !== undefined) return tensor;
  throw new VerifyError("invalid-option", `labels are for output ${JSON.stringify(name)}, the model has ${list}`);
}

/** Integers are classes, as an ArgMax or a classifier of scikit-learn puts them out; floats are scores. */
function isClass({ dtype }: Tensor): boolean {
  return dtype !== "float32" && dtype !== "float64" && dtype !== "float16" && dtype !== "bfloat16";
}

function invalidOutput({ dtype, dims }: Tensor, problem: string): VerifyError {
  return new VerifyError("invalid-option", `the output for labels, ${dtype} [${dims.join(", ")}], ${problem}`);
}

function requireLabel(label: number, index: number, classes: number): number {
  if (Number.isInteger(label) && label >= 0 && label < classes) return label;
  const expected = classes === Number.POSITIVE_INFINITY ? "an integer of at least 0" : `an integer in [0, ${classes})`;
  throw new VerifyError("bad-labels", `label ${index} is ${label}, expected ${expected}`);
}
