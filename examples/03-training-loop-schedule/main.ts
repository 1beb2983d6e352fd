import { cubic, denseMatrix, l1, oneShot, PruningSession, type Schedule, unstructured } from "espalier";
import { accuracy, createMlp, type Mlp, trainOn } from "./mlp.js";
import { digits } from "./mnist.js";

const SPARSITY = 0.8;
const STEPS = 12_000;
const train = digits("train", 6_000);
const test = digits("t10k", 1_000);

/** Trains for 12,000 steps; with a schedule, weights are pruned along the way and stay zero. */
function run(schedule?: Schedule): { mlp: Mlp; accuracy: number } {
  const mlp = createMlp(1);
  const layers = { hidden: mlp.hidden, output: mlp.output };
  const session =
    schedule &&
    new PruningSession({
      weights: [denseMatrix("hidden", mlp.hidden, 32, 784), denseMatrix("output", mlp.output, 10, 32)],
      criterion: l1(),
      pattern: unstructured(SPARSITY),
      schedule,
    });
  for (let step = 0; step < STEPS; step++) {
    const image = step % train.labels.length;
    trainOn(mlp, train.images.subarray(image * 784, (image + 1) * 784), train.labels[image]!, 0.01);
    if (!session) continue;
    session.step(step);
    for (const [name, weights] of Object.entries(layers)) session.apply(name, weights);
  }
  return { mlp, accuracy: accuracy(mlp, test) };
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
const zeros = ({ hidden, output }: Mlp): string => {
  const all = [...hidden, ...output];
  return percent(all.filter((weight) => weight === 0).length / all.length);
};

const dense = run();
const gradually = run(cubic({ start: 1_000, end: 9_000, final: SPARSITY, frequency: 250 }));
const atOnce = run(oneShot({ step: STEPS - 1, sparsity: SPARSITY }));
console.log(`dense                ${percent(dense.accuracy)} right, ${zeros(dense.mlp)} zeros`);
console.log(`cubic schedule       ${percent(gradually.accuracy)} right, ${zeros(gradually.mlp)} zeros`);
console.log(`one shot at the end  ${percent(atOnce.accuracy)} right, ${zeros(atOnce.mlp)} zeros`);
