/** A trained linear classifier. */
export interface LinearProbe {
  /**
   * The most likely class of each embedding, the lowest of equals.
   *
   * @param embeddings row-major `[n, width]`, the width of the training embeddings
   * @throws {RangeError} when they cannot be cut into rows of that width
   */
  predict(embeddings: Float32Array): Int32Array<ArrayBuffer>;
}

/** Twice as many gain 1 point on glosses (70.0 to 70.9 %), within its standard error, and take twice the time. */
const STEPS = 30;
/** Near zero weights the curvature of the loss is about 1 / classes for embeddings of norm 1, so steps can be long. */
const STEP_LENGTH = 8;
const MOMENTUM = 0.9;

/**
 * Multinomial logistic regression: 30 full-batch steps of gradient descent with Nesterov's momentum on the mean
 * cross-entropy, from zero, in float64. Stopping early takes the place of a penalty. No randomness: the same input gives
 * the same probe. 2 to 4 s for 1920 embeddings of width 512 and 16 classes.
 *
 * @param embeddings row-major `[labels.length, width]`, each of L2 norm about 1
 * @param labels class of each embedding, integers in [0, classes)
 * @throws {RangeError} when the embeddings cannot be cut into one row a label, or a label is no class
 * @see Sutskever et al. 2013, eq. 7 (Nesterov's momentum as a change to the step)
 */
export function trainProbe(embeddings: Float32Array, labels: ArrayLike<number>, classes: number): LinearProbe {
  const width = embeddings.length / labels.length;
  const rows = rowsOf(embeddings, width);
  const known = Array.from(labels, (label) => checkedLabel(label, classes));
  // One weight row a class; the last entry multiplies the constant 1 and is the bias.
  const weights = matrix(classes, width + 1);
  const velocity = matrix(classes, width + 1);
  for (let step = 0; step < STEPS; step++) {
    const gradient = gradientOf(weights, rows, known);
    for (const [index, row] of weights.entries()) descend(row, velocity[index]!, gradient[index]!);
  }
  return { predict: (unseen) => Int32Array.from(rowsOf(unseen, width), (row) => best(scores(weights, row))) };
}

function checkedLabel(label: number, classes: number): number {
  if (Number.isInteger(label) && label >= 0 && label < classes) return label;
  throw new RangeError(`trainProbe: label ${label} is none of the ${classes} classes`);
}

/** Copies of the rows with a 1 behind each. */
function rowsOf(embeddings: Float32Array, width: number): Float32Array[] {
  const count = embeddings.length / width;
  if (!Number.isInteger(width) || !Number.isInteger(count)) {
    throw new RangeError(`linear probe: ${embeddings.length} values cannot be cut into rows of width ${width}`);
  }
  return Array.from({ length: count }, (_, index) => {
    const row = new Float32Array(width + 1).fill(1, width);
    row.set(embeddings.subarray(index * width, (index + 1) * width));
    return row;
  });
}

function matrix(rows: number, columns: number): Float64Array[] {
  return Array.from({ length: rows }, () => new Float64Array(columns));
}

/** Gradient of the mean cross-entropy: `mean over rows of (softmax(scores) − one-hot label) ⊗ row`. */
function gradientOf(weights: readonly Float64Array[], rows: readonly Float32Array[], labels: readonly number[]) {
  const gradient = matrix(weights.length, weights[0]!.length);
  for (const [index, row] of rows.entries()) {
    const residual = softmax(scores(weights, row));
    residual[labels[index]!]! -= 1;
    for (const [label, sum] of gradient.entries()) addScaled(sum, residual[label]! / rows.length, row);
  }
  return gradient;
}

function scores(weights: readonly Float64Array[], row: Float32Array): Float64Array {
  return Float64Array.from(weights, (weight) => dot(weight, row));
}

function dot(weight: Float64Array, row: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < row.length; index++) sum += weight[index]! * row[index]!;
  return sum;
}

function addScaled(sum: Float64Array, scale: number, row: Float32Array): void {
  for (let index = 0; index < row.length; index++) sum[index]! += scale * row[index]!;
}

function softmax(values: Float64Array): Float64Array {
  // Without the shift a large score overflows to infinity.
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function descend(weight: Float64Array, velocity: Float64Array, gradient: Float64Array): void {
  for (let index = 0; index < weight.length; index++) {
    const step = STEP_LENGTH * gradient[index]!;
    velocity[index] = MOMENTUM * velocity[index]! - step;
    weight[index]! += MOMENTUM * velocity[index]! - step;
  }
}

function best(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}
