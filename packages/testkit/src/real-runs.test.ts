import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildSyntheticTransformer,
  buildUseLite,
  embedTexts,
  type Gloss,
  ocrModelPath,
  proportion,
  random,
  SUPERSENSES,
  type TokenBatch,
  tokenBatch,
  trainProbe,
  wordnetGlosses,
  writeSyntheticTransformer,
} from "@espalier/testkit";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";

interface RawTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

interface RawSession {
  run(feeds: Readonly<Record<string, RawTensor>>): Promise<Readonly<Record<string, RawTensor>>>;
}

// The testkit stands below the packages that own ONNX Runtime, so only this test reaches for it, through one of them.
const { InferenceSession, Tensor } = createRequire(new URL("../../runtime/package.json", import.meta.url))(
  "onnxruntime-node",
);

const open = (model: string | Uint8Array): Promise<RawSession> =>
  InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });

describe("USE-lite in ONNX Runtime", () => {
  let session: RawSession;
  beforeAll(async () => {
    session = await open(buildUseLite());
  });

  const embed = async ({ input_ids, attention_mask }: TokenBatch) => {
    const feeds = {
      input_ids: new Tensor("int64", input_ids.data, input_ids.dims),
      attention_mask: new Tensor("int64", attention_mask.data, attention_mask.dims),
    };
    return (await session.run(feeds)).embedding!.data;
  };

  /** Cosines of the first text to the others; embeddings have norm 1. */
  const cosines = async (texts: readonly string[]) => {
    const embeddings = await embedTexts(texts, embed);
    const row = (index: number) => embeddings.subarray(512 * index, 512 * (index + 1));
    return texts.slice(1).map((_, other) => row(0).reduce((sum, value, k) => sum + value * row(other + 1)[k]!, 0));
  };

  it("puts two ways of asking for an age together and the weather apart", async () => {
    const [same, other] = await cosines(["How old are you?", "What is your age?", "The weather is cold today."]);
    expect(Math.abs(same! - 0.846)).toBeLessThan(0.005);
    expect(Math.abs(other! - 0.087)).toBeLessThan(0.005);
  });

  it("reproduces similarities that a user of the tfjs model published", async () => {
    // In per cent, rounded to 0.1: gist RichardJohnn/c30a855019c6f94289e4396a9655f820.
    const texts = ["Hello.", "Hi.", "Greetings.", "Sup?", "It's nice to meet you.", "How are you?", "Hell"];
    const percent = (await cosines(texts)).map((cosine) => (100 * cosine).toFixed(1));
    expect(percent).toEqual(["92.8", "73.6", "72.0", "55.2", "46.5", "34.0"]);
  });

  it("does not see padding", async () => {
    const alone = await embed(tokenBatch(["a small boat"]));
    const padded = await embed(tokenBatch(["a small boat", "a much longer text about a small boat on the open sea"]));
    // Entries are below 0.2 and pass some 20 float32 operations with sums of up to 1536 terms: 1e-5 is 80 ulp of them.
    // Unmasked padding changes them by 1e-2.
    expect(Math.max(...alone.map((value, k) => Math.abs(value - padded[k]!)))).toBeLessThan(1e-5);
  });

  it("gives embeddings of norm 1, also for an empty text", async () => {
    const embedding = await embed(tokenBatch([""]));
    expect(embedding).toHaveLength(512);
    // 512 squares rounded to float32 and a rounded norm: far below 1e-5.
    expect(Math.abs(Math.hypot(...embedding) - 1)).toBeLessThan(1e-5);
  });

  it("lets a probe tell supersenses of glosses it has not seen", async () => {
    const splits = wordnetGlosses();
    // Half of the training glosses and a fifth of the test glosses, for time; both are balanced.
    const probeTrain = splits.probeTrain.slice(0, 960);
    const test = splits.test.slice(0, 640);
    const embeddingsOf = (glosses: readonly Gloss[]) =>
      embedTexts(
        glosses.map(({ text }) => text),
        embed,
      );
    const trainLabels = probeTrain.map(({ label }) => label);
    const probe = trainProbe(await embeddingsOf(probeTrain), trainLabels, SUPERSENSES.length);
    const predicted = probe.predict(await embeddingsOf(test));
    const { value, standardError } = proportion(test.map(({ label }, index) => label === predicted[index]));
    expect(standardError).toBeLessThan(0.02);
    // 68.5 % on all 3200 with this half (70.0 % with all 1920); four standard errors of 640 are 7.3 points. Chance is 6.25 %.
    expect(Math.abs(value - 0.685)).toBeLessThan(0.073);
  });
});

describe("a synthetic transformer in ONNX Runtime", () => {
  const shape = { layers: 2, width: 64, ffn: 128, heads: 4, seq: 8 };

  it("computes the same with embedded and with external weights", async () => {
    const folder = mkdtempSync(join(tmpdir(), "espalier-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const feeds = { x: new Tensor("float32", random(3).float32(2 * 8 * 64), [2, 8, 64]) };
    const outputs = [];
    for (const model of [buildSyntheticTransformer(shape), writeSyntheticTransformer(folder, shape)]) {
      outputs.push((await (await open(model)).run(feeds)).encoded!);
    }
    expect(outputs[0]!.dims).toEqual([2, 8, 64]);
    expect(outputs[0]!.data.every(Number.isFinite)).toBe(true);
    expect(outputs[1]!.data).toEqual(outputs[0]!.data);
  });
});

describe("PP-OCR in ONNX Runtime", () => {
  it("says of an empty page whether it is upright", async () => {
    const session = await open(readFileSync(ocrModelPath("classification")));
    const page = new Tensor("float32", new Float32Array(3 * 48 * 192), [1, 3, 48, 192]);
    const [scores] = Object.values(await session.run({ x: page }));
    expect(scores!.dims).toEqual([1, 2]);
    // A softmax of two float32 numbers.
    expect(scores!.data[0]! + scores!.data[1]!).toBeCloseTo(1, 6);
  });
});
