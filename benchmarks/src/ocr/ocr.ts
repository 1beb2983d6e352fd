import { ocrModelPath } from "@espalier/testkit";
import { l1, measureSensitivities, obs, type PruneOptions, prune, unstructured, wanda } from "espalier";
import type { Suite, Table } from "../suite.js";
import { type Highest, highestSparsity, type Trial } from "./highest-sparsity.js";
import { CALIBRATION_LINES, prepareReading, type Reading, TEST_LINES } from "./reading.js";

/** What a reader may still accept. */
const FLOOR = 0.95;
const STEP_POINTS = 5;
const GRID = Array.from({ length: 19 }, (_, index) => ((index + 1) * STEP_POINTS) / 100);

/** Lines that each weight is pruned alone for. */
const SENSITIVITY_LINES = 8;

type Choice = Pick<PruneOptions, "criterion" | "recover" | "allocation">;

const METHODS: Readonly<Record<string, Choice>> = {
  magnitude: { criterion: l1(), recover: "none" },
  wanda: { criterion: wanda(), recover: "none" },
  obs: { criterion: obs(), recover: "least-squares" },
};

/** How sparse a convolutional model can be made before it misreads, for criteria without and with recovery. */
export const ocr: Suite = {
  name: "ocr",
  document: "recovering-accuracy.md",
  async run(isChosen): Promise<Table> {
    const path = ocrModelPath("recognition");
    const reading = prepareReading();
    const dense = await reading.accuracyOf(path);
    const rows = [["dense", "0 %", percent(dense), "", ""]];
    for (const [name, method] of Object.entries(METHODS)) {
      for (const allocation of ["uniform", "sensitivity"] as const) {
        const caseName = `ocr/${name}/${allocation}`;
        if (isChosen(caseName)) rows.push(await search(caseName, path, reading, { ...method, allocation }));
      }
    }
    return { columns: COLUMNS, rows, note: NOTE };
  },
};

const COLUMNS = ["case", "highest sparsity", "character accuracy", "one step more", "seconds"];

const NOTE =
  `The highest sparsity (in steps of ${STEP_POINTS} points, found by bisection) at which PP-OCRv4 recognition keeps ${100 * FLOOR} % character accuracy on ${TEST_LINES} ` +
  "lines of Moby Dick, rendered in Roboto with noise: rendered text, no OCR benchmark. All 38 Conv and 9 MatMul weights, unstructured; standard error over lines. " +
  `Calibrated on ${CALIBRATION_LINES} lines of other paragraphs. obs chooses by OBS and recovers by least squares against the dense model; magnitude ` +
  `and Wanda change nothing but what they remove. Sensitivity: every weight pruned alone at five sparsities, on ${SENSITIVITY_LINES} of the lines. Seconds: pruning and recovery at that sparsity.`;

async function search(name: string, path: string, reading: Reading, choice: Choice): Promise<string[]> {
  const seconds = new Map<number, number>();
  const measured = await sensitivitiesFor(choice, path, reading);
  const highest = await highestSparsity(GRID, FLOOR, async (sparsity) => {
    const start = performance.now();
    const pruned = await prune(path, {
      ...choice,
      pattern: unstructured(sparsity),
      ...samplesFor(choice, reading),
      ...measured,
    });
    seconds.set(sparsity, (performance.now() - start) / 1000);
    const accuracy = await reading.accuracyOf(pruned.toBytes());
    process.stderr.write(
      `${name} ${percentOf(sparsity)}: ${percent(accuracy)}, ${seconds.get(sparsity)!.toFixed(0)} s\n`,
    );
    return accuracy;
  });
  return rowOf(name, highest, seconds);
}

/** Measured once: they are the same for every sparsity. */
async function sensitivitiesFor(
  choice: Choice,
  path: string,
  { calibration }: Reading,
): Promise<Pick<PruneOptions, "sensitivities">> {
  if (choice.allocation !== "sensitivity") return {};
  const options = { ...choice, pattern: unstructured(0.5), calibration: calibration.slice(0, SENSITIVITY_LINES) };
  return { sensitivities: await measureSensitivities(path, options) };
}

/** Samples are refused where nothing looks at them. */
function samplesFor({ criterion, recover, allocation }: Choice, { calibration }: Reading): Partial<PruneOptions> {
  const isBlind = "score" in criterion && !criterion.needsStatistics && recover === "none" && allocation === "uniform";
  return isBlind ? {} : { calibration };
}

function rowOf(name: string, { passed, failed }: Highest, seconds: ReadonlyMap<number, number>): string[] {
  const textOf = (trial: Trial | undefined) => (trial ? percent(trial.accuracy) : "–");
  const spent = passed ? seconds.get(passed.sparsity)!.toFixed(0) : "";
  return [name, passed ? percentOf(passed.sparsity) : `< ${STEP_POINTS} %`, textOf(passed), textOf(failed), spent];
}

function percentOf(sparsity: number): string {
  return `${Math.round(100 * sparsity)} %`;
}

function percent({ value, standardError }: { readonly value: number; readonly standardError: number }): string {
  return `${(100 * value).toFixed(1)} ± ${(100 * standardError).toFixed(1)} %`;
}
