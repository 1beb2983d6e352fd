/** `measure-layer.ts K METHOD`: solves a square layer in this process and prints a {@link LayerMeasurement} as JSON. */
import { readFileSync } from "node:fs";
import { openMatrixProducts, solveLayer } from "@espalier/recover";
import { RecordedProducts } from "./recorded-products.js";
import { type Method, squareLayer } from "./square-layer.js";

/** What one layer costs. */
export interface LayerMeasurement {
  readonly seconds: number;
  /** Of the matrix products that were asked for, alone. */
  readonly productSeconds: number;
  /** Σ m·n·k over those products, in K³. */
  readonly cubes: number;
  /** 10⁶ bytes beyond what the process had when it knew no layer yet; the moments of the layer are among them. */
  readonly peakMegabytes: number;
}

/** An odd number, so that the median is a run that was. */
const ROUNDS = 3;
/** Compiles the loops and loads ONNX Runtime. */
const WARM_UP = 192;

const [size, method] = [Number(process.argv[2]), process.argv[3] as Method];
const products = await openMatrixProducts();
await solveLayer(await squareLayer(WARM_UP, method, products), products);
const before = megabytes("VmRSS");
const task = await squareLayer(size, method, products);
const runs: { seconds: number; productSeconds: number; cubes: number }[] = [];
let peakMegabytes = 0;
for (let round = 0; round < ROUNDS; round++) {
  const recorded = new RecordedProducts(products);
  const start = performance.now();
  await solveLayer(task, recorded);
  const seconds = (performance.now() - start) / 1000;
  peakMegabytes ||= megabytes("VmHWM") - before; // the replay holds matrices of its own
  runs.push({ seconds, productSeconds: await recorded.replay(), cubes: recorded.multiplications / size ** 3 });
}
await products.close();
const median = runs.sort((a, b) => a.seconds - b.seconds)[ROUNDS >> 1]!;
process.stdout.write(JSON.stringify({ ...median, peakMegabytes } satisfies LayerMeasurement));

/** Memory of this process as Linux reports it; elsewhere the peak is all there is. */
function megabytes(field: "VmRSS" | "VmHWM"): number {
  if (process.platform !== "linux") {
    return field === "VmRSS" ? process.memoryUsage.rss() / 1e6 : (process.resourceUsage().maxRSS * 1024) / 1e6;
  }
  const found = new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"));
  return (Number(found![1]) * 1024) / 1e6;
}
