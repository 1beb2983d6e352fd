/** Calibrates into the file in argv, resuming it when it is there, and prints a line for every shard: for tests that kill it. */
import { existsSync } from "node:fs";
import { collectStatistics } from "@espalier/calibrate";
import { smallModel, smallSamples } from "./small-model.js";

const output = process.argv[2]!;
await collectStatistics(smallModel(), smallSamples(64), {
  ...{ threads: 2, shardSize: 4, output, gram: true },
  ...(existsSync(output) && { resumeFrom: output }),
  onProgress: () => process.stdout.write("shard\n"),
});
