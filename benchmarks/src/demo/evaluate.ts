import { openRunner, type Tensor } from "@espalier/runtime";
import {
  embedTexts,
  type Gloss,
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
const { probeTrain, test } = wordnetGlosses();

/** How many labelled definitions the accuracy is measured on. */
export const TEST_SIZE = test.length;

/** What a model makes of the test texts. */
export interface Quality {
  /** Share of definitions whose class the frozen probe still names. */
  readonly accuracy: Proportion;
  /** Mean cosine between its embeddings and those of the dense model; 1 for the dense model. */
  readonly cosine: number;
}

/**
 * Judges models against the dense one: a linear probe is trained once, on dense embeddings of other texts, and then frozen, so
 * it sees what an application would see whose classifier stays while the encoder is swapped.
 */
export class Judge {
  readonly #probe: LinearProbe;
  readonly #dense: Float32Array;

  private constructor(probe: LinearProbe, dense: Float32Array) {
    this.#probe = probe;
    this.#dense = dense;
  }

  static async trainedOn(path: string, model: Uint8Array): Promise<Judge> {
    const labels = probeTrain.map(({ label }) => label);
    const probe = trainProbe(await embeddings(path, model, probeTrain), labels, SUPERSENSES.length);
    return new Judge(probe, await embeddings(path, model, test));
  }

  async judge(path: string, model: Uint8Array): Promise<Quality> {
    const found = await embeddings(path, model, test);
    const classes = this.#probe.predict(found);
    return {
      accuracy: proportion(test.map(({ label }, index) => classes[index] === label)),
      cosine: meanDot(found, this.#dense),
    };
  }
}

/** USE-lite's embeddings have length 1, so their dot product is the cosine. */
function meanDot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return (sum * WIDTH) / a.length;
}

function embeddings(path: string, model: Uint8Array, glosses: readonly Gloss[]): Promise<Float32Array> {
  const texts = glosses.map(({ text }) => text);
  return cachedEmbeddings(model, texts, async () => {
    const runner = await openRunner(path, { threads: THREADS });
    try {
      return await embedTexts(texts, async (batch) => {
        const outputs = await runner.run(batch);
        return (outputs.embedding as Tensor).data as Float32Array;
      });
    } finally {
      await runner.close();
    }
  });
}
