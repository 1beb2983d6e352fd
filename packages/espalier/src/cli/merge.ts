import { mergeStatistics, readStatisticsFile, writeStatisticsFile } from "@espalier/calibrate";
import { Command } from "commander";
import { withExitCodes } from "../calibrate.js";
import { checkWritable } from "../write.js";
import { mergeDocument, mergeText } from "./statistics-report.js";

/** `espalier merge STATS... -o STATS`: puts the shards of several statistics files together. */
export function mergeCommand(): Command {
  return new Command("merge")
    .description("put the shards that several machines have calibrated together, in any order")
    .argument("<stats...>", "statistics files of runs over the same samples")
    .requiredOption("-o, --output <file>", "where the merged statistics go; may be one of them")
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(paths: readonly string[], { output, json }: { output: string; json?: boolean }): Promise<void> {
  checkWritable(output);
  const merged = mergeStatistics(paths.map((path) => ({ name: path, file: readStatisticsFile(path) })));
  await withExitCodes(writeStatisticsFile(output, merged));
  process.stdout.write(json ? mergeDocument(output, merged) : mergeText(output, merged));
}
