import { openRunner, type Tensor } from "@espalier/runtime";
import { embedTexts, SUPERSENSES, trainProbe, useLitePath, wordnetGlosses } from "@espalier/testkit";

// A linear probe on embeddings of the dense model, as an application has one that stays when its encoder is swapped.
const { probeTrain } = wordnetGlosses();
const runner = await openRunner(useLitePath());
const embeddings = await embedTexts(
  probeTrain.map(({ text }) => text),
  async (batch) => (await runner.run(batch)).embedding!.data as Float32Array,
);
await runner.close();
const labels = probeTrain.map(({ label }) => label);
const probe = trainProbe(embeddings, labels, SUPERSENSES.length);

/** 1 where the probe names the class of a definition by its embedding, 0 where it does not. */
export default function accuracy({ embedding }: { embedding: Tensor }, label: number): number {
  return Number(probe.predict(embedding.data as Float32Array)[0] === label);
}
