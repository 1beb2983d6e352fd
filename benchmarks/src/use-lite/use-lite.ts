import { readFileSync } from "node:fs";
import { spamMails, tokenBatch, useLitePath, wordnetGlosses } from "@espalier/testkit";
import { prune, type Sample } from "espalier";
import { CALIBRATION_SIZE } from "../demo/calibration.js";
import { Judge, type Quality, TEST_SIZE } from "../demo/evaluate.js";
import type { Suite, Table } from "../suite.js";
import { difference } from "./difference.js";
import { VARIANTS } from "./variants.js";

/** Of each class. */
const MAILS = 400;

/** How much accuracy each recovery keeps of a real transformer. */
export const useLite: Suite = {
  name: "use-lite",
  document: "recovering-accuracy.md",
  async run(isChosen): Promise<Table> {
    const path = useLitePath();
    const bytes = readFileSync(path);
    const judges = await openJudges(path, bytes);
    const calibration = wordnetGlosses().calibration.map(({ text }): Sample => tokenBatch([text]));
    const dense = await judgeBoth(judges, path, bytes);
    const rows = [rowOf("dense", dense, dense)];
    for (const { name, options, limit } of VARIANTS.filter(({ name }) => isChosen(`use-lite/${name}`))) {
      const start = performance.now();
      const pruned = await prune(path, { ...options, calibration, mask: "attention_mask" });
      const seconds = (performance.now() - start) / 1000;
      rows.push(rowOf(name, await judgeBoth(judges, pruned.toBytes()), dense, limit, seconds));
      process.stderr.write(`${rows.at(-1)!.join(" | ")}\n`);
    }
    return { columns: COLUMNS, rows, note: NOTE };
  },
};

const COLUMNS = ["pattern / criterion / recovery", "accuracy", "to dense", "at least", "cosine", "spam", "seconds"];

const NOTE =
  `USE-lite, all 10 MatMul weights. Accuracy: ${TEST_SIZE} WordNet definitions, 16 classes, a linear probe trained on the dense model and frozen; ` +
  `to dense: points, with the standard error of the paired difference. Spam: ${2 * MAILS} mails, a probe of their own, no mail among the samples: how the ` +
  `models do on what they were not calibrated for. Cosine: mean, of the definitions' embeddings to the dense ones. Calibrated on ${CALIBRATION_SIZE} other ` +
  "definitions. The last part of a name is the allocation, where sparsity is not the same in all weights. Seconds: pruning and recovery.";

interface Judges {
  readonly glosses: Judge;
  readonly mails: Judge;
}

async function openJudges(path: string, bytes: Uint8Array): Promise<Judges> {
  const mails = { ...spamMails({ test: MAILS }), classes: 2 };
  return { glosses: await Judge.trainedOn(path, bytes), mails: await Judge.trainedOn(path, bytes, mails) };
}

/** What both tasks say of a model. */
interface Both {
  readonly glosses: Quality;
  readonly mails: Quality;
}

async function judgeBoth({ glosses, mails }: Judges, model: string | Uint8Array, key?: Uint8Array): Promise<Both> {
  return { glosses: await glosses.judge(model, key), mails: await mails.judge(model, key) };
}

function rowOf(name: string, { glosses, mails }: Both, dense: Both, limit?: number, seconds?: number): string[] {
  const { points, standardError } = difference(glosses.correct, dense.glosses.correct);
  return [
    name,
    percent(glosses),
    seconds === undefined ? "" : `${points.toFixed(1)} ± ${standardError.toFixed(1)}`,
    limit === undefined ? "" : `−${limit}`,
    glosses.cosine.toFixed(3),
    percent(mails),
    seconds?.toFixed(0) ?? "",
  ];
}

function percent({ accuracy: { value, standardError } }: Quality): string {
  return `${(100 * value).toFixed(1)} ± ${(100 * standardError).toFixed(1)} %`;
}
