import type { Digits } from "./mnist.js";

const INPUTS = 784;
const HIDDEN = 32;
const CLASSES = 10;

/** A perceptron with one hidden layer of 32 units; weights are row-major `[out, in]`. */
export interface Mlp {
  readonly hidden: Float32Array;
  readonly output: Float32Array;
}

/** Small deterministic weights: He initialisation with a linear congruential generator. */
export function createMlp(seed: number): Mlp {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const layer = (outputs: number, inputs: number): Float32Array =>
    Float32Array.from({ length: outputs * inputs }, () => uniform() * Math.sqrt(6 / inputs));
  return { hidden: layer(HIDDEN, INPUTS), output: layer(CLASSES, HIDDEN) };
}

function forward(mlp: Mlp, image: Float32Array): { activations: Float32Array; scores: Float32Array } {
  const activations = multiply(mlp.hidden, image, HIDDEN).map((value) => Math.max(0, value));
  return { activations, scores: multiply(mlp.output, activations, CLASSES) };
}

function multiply(weights: Float32Array, inputs: Float32Array, outputs: number): Float32Array {
  return Float32Array.from({ length: outputs }, (_, out) => {
    let sum = 0;
    for (let input = 0, at = out * inputs.length; input < inputs.length; input++)
      sum += weights[at + input]! * inputs[input]!;
    return sum;
  });
}

/** One step of stochastic gradient descent on softmax cross-entropy with a single image. */
export function trainOn(mlp: Mlp, image: Float32Array, label: number, rate: number): void {
  const { activations, scores } = forward(mlp, image);
  const peak = Math.max(...scores);
  const exponentials = scores.map((score) => Math.exp(score - peak));
  const total = exponentials.reduce((sum, value) => sum + value);
  const errors = exponentials.map((value, digit) => value / total - (digit === label ? 1 : 0));
  for (let unit = 0; unit < HIDDEN; unit++) {
    if (activations[unit] === 0) continue;
    const gradient = errors.reduce((sum, error, digit) => sum + error * mlp.output[digit * HIDDEN + unit]!, 0);
    errors.forEach((error, digit) => {
      mlp.output[digit * HIDDEN + unit]! -= rate * error * activations[unit]!;
    });
    for (let input = 0, at = unit * INPUTS; input < INPUTS; input++)
      mlp.hidden[at + input]! -= rate * gradient * image[input]!;
  }
}

/** Fraction of images whose highest score is at the right digit. */
export function accuracy(mlp: Mlp, { images, labels }: Digits): number {
  const right = labels.filter((label, index) => {
    const { scores } = forward(mlp, images.subarray(index * INPUTS, (index + 1) * INPUTS));
    return scores.indexOf(Math.max(...scores)) === label;
  });
  return right.length / labels.length;
}
