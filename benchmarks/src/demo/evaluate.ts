import { openRunner, type Tensor } from "@espalier/runtime";
import {
  embedTexts,
  type LinearProbe,
  type Proportion,
  proportion,
  SUPERSENSES,
  trainProbe,
  wordnetGlosses,
} from "@espalier/testkit";
import { cachedEmbeddings } from "./cache.js";

const WIDTH = 512;
const THREADS = 2;

/** Texts to be told apart by their embeddings: some to train a probe on, others to test it on. */
export interface Task {
  readonly classes: number;
  readonly probeTrain: readonly LabelledText[];
  readonly test: readonly LabelledText[];
}

interface LabelledText {
  readonly text: string;
  /** An integer in [0, classes). */
  readonly label: number;
}

/** Definitions of nouns, to be told apart by their supersense. */
const GLOSSES: Task = { ...wordnetGlosses(), classes: SUPERSENSES.length };

/** How many labelled definitions the accuracy is measured on. */
export const TEST_SIZE = GLOSSES.test.length;

/** What a model makes of the test texts. */
export interface Quality {
  /** Share of texts whose class the frozen probe still names. */
  readonly accuracy: Proportion;
  /** Of each test text, whether it was named right. */
  readonly correct: readonly boolean[];
  /** Mean cosine between its embeddings and those of the dense model; 1 for the dense model. */
  readonly cosine: number;
}

/**
 * Judges models against the dense one: a linear probe is trained once, on dense embeddings of other texts, and then frozen, so
 * it sees what an application would see whose classifier stays while the encoder is swapped.
 */
export class Judge {
  readonly #task: Task;
  readonly #probe: LinearProbe;
  readonly #dense: Float32Array;

  private constructor(task: Task, probe: LinearProbe, dense: Float32Array) {
    this.#task = task;
    this.#probe = probe;
    this.#dense = dense;
  }

  static async trainedOn(path: string, model: Uint8Array, task: Task = GLOSSES): Promise<Judge> {
    const { probeTrain, test, classes } = task;
    const labels = probeTrain.map(({ label }) => label);
    const probe = trainProbe(await cached(path, model, probeTrain), labels, classes);
    return new Judge(task, probe, await cached(path, model, test));
  }

  /** The class that the frozen probe names for one embedding. */
  classOf(embedding: Float32Array): number {
    return this.#probe.predict(embedding)[0]!;
  }

  /** @param model the bytes at `path`, for results that are to be kept for the next run */
  async judge(path: string | Uint8Array, model?: Uint8Array): Promise<Quality> {
    const { test } = this.#task;
    const found = await (model ? cached(path, model, test) : embeddings(path, test));
    const classes = this.#probe.predict(found);
    const correct = test.map(({ label }, index) => classes[index] === label);
    return { accuracy: proportion(correct), correct, cosine: meanDot(found, this.#dense) };
  }
}

/** USE-lite's embeddings have length 1, so their dot product is the cosine. */
function meanDot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return (sum * WIDTH) / a.length;
}

function cached(path: string | Uint8Array, model: Uint8Array, texts: readonly LabelledText[]): Promise<Float32Array> {
  return cachedEmbeddings(
    model,
    texts.map(({ text }) => text),
    () => embeddings(path, texts),
  );
}

async function embeddings(model: string | Uint8Array, texts: readonly LabelledText[]): Promise<Float32Array> {
  const runner = await openRunner(model, { threads: THREADS });
  try {
    return await embedTexts(
      texts.map(({ text }) => text),
      async (batch) => {
        const outputs = await runner.run(batch);
        return (outputs.embedding as Tensor).data as Float32Array;
      },
    );
  } finally {
    await runner.close();
  }
}
