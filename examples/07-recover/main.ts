import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tokenBatch, useLitePath, wordnetGlosses } from "@espalier/testkit";
import { l1, nm, obs, type PruneOptions, prune, verify } from "espalier";

const model = useLitePath();
const folder = mkdtempSync(join(tmpdir(), "espalier-"));
const { calibration, test } = wordnetGlosses();
const feeds = (glosses: typeof test) => glosses.map(({ text }) => tokenBatch([text]));
const pattern = nm(2, 4);

/** Prunes to 2:4 and gives the mean cosine between dense and pruned embeddings of texts that recovery did not see. */
async function cosineAfter(name: string, options: Omit<PruneOptions, "pattern">): Promise<number> {
  const path = join(folder, `${name}.onnx`);
  const pruned = await prune(model, { ...options, pattern });
  await pruned.write(path);
  const { checks } = await verify({ original: model, pruned: path, pattern, samples: feeds(test.slice(0, 320)) });
  const figures = checks.find(({ name }) => name === "outputs")?.figures;
  if (figures?.kind !== "outputs") throw new Error("the models could not be compared");
  return figures.outputs[0]!.meanCosine;
}

const samples = { calibration: feeds(calibration.slice(0, 256)), mask: "attention_mask" };
for (const [name, options] of [
  ["magnitude", { criterion: l1() }],
  ["bias", { criterion: l1(), recover: "bias", ...samples }],
  ["obs", { criterion: obs(), recover: "obs", ...samples }],
  ["least-squares", { criterion: obs(), ...samples }],
] as const) {
  console.log(
    `${name.padEnd(13)} 2:4, mean cosine to the dense embedding: ${(await cosineAfter(name, options)).toFixed(3)}`,
  );
}
